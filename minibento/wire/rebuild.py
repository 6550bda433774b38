"""Rebuilds what the wire flattened, from a method's hints; knows no method and no channel.

Pydantic objects, dataclasses, enums and tuples cross as dicts, values and lists. Where a hint names
one of them, it is made again on the other side.
"""

import dataclasses
import enum
from collections.abc import Callable
from typing import Any, Literal, get_args, get_origin, get_type_hints

from typing_extensions import is_typeddict

from minibento.errors import ItemError
from minibento.wording import shown_json

__all__ = ["rebuilder"]

Rebuild = Callable[[Any], Any]


def rebuilder(hint: Any) -> Rebuild | None:
    """What turns a decoded value into one of type `hint`; None where nothing needs rebuilding.

    The function raises ItemError if the value does not fit; `field` says where.
    """
    if not _needs_rebuild(hint):
        return None
    import pydantic

    # Arrays and images stay as they are, inside dataclasses too. In a tuple of one, because
    # pydantic takes a configuration only for what is no class of its own.
    config = pydantic.ConfigDict(arbitrary_types_allowed=True)
    adapter: Any = pydantic.TypeAdapter(tuple[hint], config=config)

    def rebuild(value: Any) -> Any:
        try:
            # By name as well: fields cross under their own names, whatever their aliases are.
            # Not strict, whatever the class says: an enum crossed as its value.
            [found] = adapter.validate_python((value,), strict=False, by_alias=True, by_name=True)
        except pydantic.ValidationError as error:
            raise _item_error(error) from None
        return found

    return rebuild


def _item_error(error: Any) -> ItemError:
    """A validation error in one line: the first place that is wrong, and why."""
    first, *more = error.errors(include_url=False, include_context=False)
    place = ".".join(map(str, first["loc"][1:]))
    others = f" (and {len(more)} more)" if more else ""
    return ItemError(
        f"{place}: " * bool(place) + first["msg"] + others,
        field=place or None,
        expected=first["msg"].removeprefix("Input "),
        got=None if first["type"] == "missing" else shown_json(first["input"]),
    )


def _needs_rebuild(hint: Any) -> bool:
    if hint is Any or hint is None or isinstance(hint, str):
        return False
    origin = get_origin(hint)
    if origin is Literal:
        return False
    if origin is not None:
        return any(_needs_rebuild(part) for part in (origin, *get_args(hint)))
    if is_typeddict(hint):
        return any(_needs_rebuild(part) for part in get_type_hints(hint).values())
    return isinstance(hint, type) and (
        issubclass(hint, enum.Enum | tuple)
        or dataclasses.is_dataclass(hint)
        or hasattr(hint, "__pydantic_fields__")
    )
