"""Calls a method with arguments that have crossed, rebuilt from the method's hints."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from minibento.errors import ItemError
from minibento.wire.rebuild import rebuilder

__all__ = ["Arguments"]


class Arguments:
    """A function that rebuilds what the wire flattened before it calls `function`."""

    def __init__(self, function: Callable[..., Any], hints: Mapping[str, Any]) -> None:
        self._function = function
        found = {n: rebuilder(hint) for n, hint in hints.items() if n != "return"}
        self._rebuild = {name: rebuild for name, rebuild in found.items() if rebuild is not None}
        self._signature = inspect.signature(function) if self._rebuild else None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._signature is None:
            return self._function(*args, **kwargs)
        bound = self._signature.bind(*args, **kwargs)
        for name, rebuild in self._rebuild.items():
            if name in bound.arguments:
                try:
                    bound.arguments[name] = rebuild(bound.arguments[name])
                except ValueError as error:
                    raise ItemError(f"argument {name!r}: {error}", field=name) from None
        return self._function(*bound.args, **bound.kwargs)
