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
        self._signature = inspect.signature(function)
        self._rebuild: dict[str, Callable[[Any], Any]] = {}
        for name, parameter in self._signature.parameters.items():
            variadic = parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}
            rebuild = None if variadic else rebuilder(hints.get(name, Any))
            if rebuild is not None:
                self._rebuild[name] = rebuild

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not self._rebuild:
            return self._function(*args, **kwargs)
        bound = self._signature.bind(*args, **kwargs)
        for name, rebuild in self._rebuild.items():
            if name in bound.arguments:
                try:
                    bound.arguments[name] = rebuild(bound.arguments[name])
                except ItemError as error:
                    place = f"{name}.{error.field}" if error.field else name
                    raise error.within(f"argument {name!r}", place) from None
        return self._function(*bound.args, **bound.kwargs)
