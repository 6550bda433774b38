"""Rebuilds what the wire flattened, from a method's hints; knows no method and no channel.

Pydantic objects, dataclasses, enums and tuples cross as dicts, values and lists. Where a hint names
one of them, it is made again on the other side.
"""

import dataclasses
import enum
from collections.abc import Callable
from typing import Any, Literal, get_args, get_origin

__all__ = ["rebuilder"]

Rebuild = Callable[[Any], Any]


def rebuilder(hint: Any) -> Rebuild | None:
    """What turns a decoded value into one of type `hint`; None where nothing needs rebuilding."""
    if not _needs_rebuild(hint):
        return None
    import pydantic

    adapter = pydantic.TypeAdapter(hint, config=_config(hint, pydantic))

    def rebuild(value: Any) -> Any:
        # By name as well: fields cross under their own names, whatever their aliases are.
        return adapter.validate_python(value, by_alias=True, by_name=True)

    return rebuild


def _config(hint: Any, pydantic: Any) -> Any:
    """Arrays and images in containers stay as they are; classes bring their own configuration."""
    if isinstance(hint, type) and (hasattr(hint, "model_fields") or dataclasses.is_dataclass(hint)):
        return None
    return pydantic.ConfigDict(arbitrary_types_allowed=True)


def _needs_rebuild(hint: Any) -> bool:
    if hint is Any or hint is None or isinstance(hint, str):
        return False
    origin = get_origin(hint)
    if hint is tuple or origin is tuple:
        return True
    if isinstance(hint, type) and origin is None:
        return (
            issubclass(hint, enum.Enum)
            or dataclasses.is_dataclass(hint)
            or hasattr(hint, "__pydantic_fields__")
        )
    return any(_needs_rebuild(part) for part in get_args(hint) if origin is not Literal)
