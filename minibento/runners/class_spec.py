"""A class and its init arguments as JSON-able data, and back: how another process makes it anew."""

import base64
import importlib
import sys
from collections.abc import Mapping
from typing import Any, get_type_hints

from minibento.errors import CannotCross, DeclarationError, ItemError
from minibento.wire.rebuild import rebuilder
from minibento.wire.values import decode_bytes, encode_bytes

__all__ = ["class_of", "class_spec"]

_MEND = "move it to the top of a module of its own, or configure placement: embedded"


def class_spec(cls: type, init: Mapping[str, Any]) -> dict[str, Any]:
    """Where `cls` is found, and what it is made with.

    Raises:
        DeclarationError: another process would not find it there, or `init` cannot go there.
    """
    _refuse_unreachable(cls)
    try:
        data = encode_bytes(dict(init))
        arrived = _rebuilt(cls, decode_bytes(data))
    except (CannotCross, ItemError) as error:
        raise _unfit(cls, str(error)) from None
    for name, value in init.items():
        if (changed := _change(value, arrived[name])) is not None:
            raise _unfit(cls, f"{name!r} has {changed} without a hint in __init__ that names it")
    name = f"{cls.__module__}:{cls.__qualname__}"
    return {"class": name, "init": base64.b64encode(data).decode("ascii")}


def class_of(spec: Mapping[str, Any]) -> tuple[type, dict[str, Any]]:
    """The class and the arguments of what `class_spec` made.

    Raises:
        ImportError, AttributeError: the class is not there.
    """
    module, _, qualname = spec["class"].partition(":")
    cls: type = _walked(importlib.import_module(module), qualname)
    return cls, _rebuilt(cls, decode_bytes(base64.b64decode(spec["init"])))


def _refuse_unreachable(cls: type) -> None:
    name = f"{cls.__module__}.{cls.__qualname__}"
    if cls.__module__ == "__main__":
        raise DeclarationError(
            f"{name} is defined in the script that runs, which a worker process does not import: "
            f"{_MEND}"
        )
    if "<locals>" in cls.__qualname__:
        raise DeclarationError(
            f"{name} is made inside a function, where a worker process does not find it: {_MEND}"
        )
    try:
        found = _walked(sys.modules[cls.__module__], cls.__qualname__)
    except (KeyError, AttributeError):
        found = None
    if found is not cls:
        raise DeclarationError(
            f"{name} is {'not there' if found is None else repr(found)}, and not the class that "
            f"the runner was given, so a worker process would not find it: {_MEND}"
        )


def _unfit(cls: type, why: str) -> DeclarationError:
    return DeclarationError(
        f"Runner({cls.__name__}, init=...): {why}. A worker process gets its arguments as data: "
        "pass what the object is made from, or configure placement: embedded"
    )


def _rebuilt(cls: type, init: dict[str, Any]) -> dict[str, Any]:
    """The arguments as the hints of `__init__` name them, like those of a call."""
    hints = get_type_hints(cls.__init__) if init else {}  # type: ignore[misc]  # the class's own
    for name, value in init.items():
        rebuild = rebuilder(hints.get(name, Any))
        if rebuild is not None:
            init[name] = rebuild(value)
    return init


def _change(sent: Any, arrived: Any) -> str | None:
    """What of a value arrives as another type, in words."""
    if type(sent) is not type(arrived):
        return f"a {type(sent).__name__}, which would arrive as {type(arrived).__name__}"
    pairs: list[tuple[Any, Any]] = []
    if isinstance(sent, list):
        pairs = list(zip(sent, arrived, strict=True))
    elif isinstance(sent, dict):
        pairs = [(value, arrived[key]) for key, value in sent.items()]
    changes = (_change(one, other) for one, other in pairs)
    return next((change for change in changes if change is not None), None)


def _walked(module: Any, qualname: str) -> Any:
    found = module
    for name in qualname.split("."):
        found = getattr(found, name)
    return found
