"""Which file reads and writes the values of a hint; each is loaded when a hint first needs it."""

import sys
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic.errors import (
    PydanticInvalidForJsonSchema,
    PydanticSchemaGenerationError,
    PydanticUserError,
)

from minibento.errors import DeclarationError
from minibento.importing import load
from minibento.io.base import Codec

__all__ = ["codec", "resolved"]

_JSON = "minibento.io.json_body:JsonBody"
_TEXT = "minibento.io.text_body:TextBody"
_BYTES = "minibento.io.bytes_body:BytesBody"
_ARRAY = "minibento.io.array_body:ArrayBody"
# Type by its module and name, which exists only if somebody has imported it: what makes of the
# hint one that pydantic can read, and the codec of a body that is one such value.
_TYPES = {
    ("numpy", "ndarray"): ("minibento.io.ndarray:array_hint", _ARRAY),
    ("pandas", "DataFrame"): ("minibento.io.frame:frame_hint", _JSON),
}
# Hints that hold others, and what is subscribed to hold these instead.
_HOLDERS: dict[Any, Any] = {
    dict: dict,
    list: list,
    tuple: tuple,
    Union: Union,
    UnionType: Union,
}


def codec(hint: Any, where: str) -> Codec:
    """The codec for a hint.

    Args:
        hint: As `typing.get_type_hints(..., include_extras=True)` gives it.
        where: What it belongs to, for the error: `CreditRisk.classify: application`.

    Raises:
        DeclarationError: nothing can read or write such values; the message has the mend.
    """
    try:
        made: Codec = load(_body(hint))(resolved(hint))
        made.adapter.json_schema()  # what has no description cannot travel either
    except PydanticUserError as error:
        raise DeclarationError(f"{where}: {_mend(hint, error)}") from error
    return made


def resolved(hint: Any) -> Any:
    """The hint with the arrays and frames in it made readable; classes' own fields stay."""
    origin, parts = get_origin(hint), get_args(hint)
    base = _base(hint)
    if (found := _library_type(base)) is not None:
        return load(found[0])(base, hint.__metadata__ if origin is Annotated else ())
    if origin in _HOLDERS:
        made = tuple(resolved(part) for part in parts)
        return hint if made == parts else _HOLDERS[origin][made]
    return hint


def _body(hint: Any) -> str:
    """The codec of a body that is one value of the hint."""
    if hint is str:
        return _TEXT
    base = _base(hint)
    if base is bytes:
        return _BYTES
    found = _library_type(base)
    return _JSON if found is None else found[1]


def _base(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) is Annotated else hint


def _library_type(base: Any) -> tuple[str, str] | None:
    for (module, name), found in _TYPES.items():
        kind = getattr(sys.modules.get(module), name, None)
        if kind is not None and (base is kind or get_origin(base) is kind):
            return found
    return None


def _mend(hint: Any, error: PydanticUserError) -> str:
    name = getattr(hint, "__name__", None) or str(hint)
    if error.code == "typed-dict-version":
        return (
            f"{name} is or holds a typing.TypedDict, which Python before 3.12 cannot read: "
            "use typing_extensions.TypedDict"
        )
    if isinstance(error, PydanticSchemaGenerationError | PydanticInvalidForJsonSchema):
        return (
            f"values of {name} cannot travel as JSON: use a pydantic model, a dataclass, a "
            "typing_extensions.TypedDict, a plain type, np.ndarray or pd.DataFrame"
        )
    return str(error).partition("\n")[0]
