"""Pandas frames as JSON: a list of records with the same keys; knows hints, no services."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from minibento.io import free_json

__all__ = ["FrameForm", "frame_hint"]

_KINDS = {bool: "boolean", int: "number", float: "number", str: "string"}


def frame_hint(_base: Any, metadata: Sequence[Any]) -> Any:
    """The hint that pydantic reads for `pd.DataFrame`."""
    return Annotated[Any, FrameForm(), *metadata]


class FrameForm:
    """Tells pydantic how to read, write and describe frames."""

    def __get_pydantic_core_schema__(
        self, _source: Any, _handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            _read,
            serialization=core_schema.plain_serializer_function_ser_schema(_write),
        )

    def __get_pydantic_json_schema__(
        self, _schema: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        value = {"type": ["number", "string", "boolean", "null"]}
        record = {"type": "object", "additionalProperties": value}
        return {
            "type": "array",
            "minItems": 1,
            "items": record,
            "description": "One object for each row, all with the same keys.",
        }


def _read(value: Any) -> Any:
    """Records as a frame, its columns in the order of the first record."""
    import pandas

    if isinstance(value, pandas.DataFrame):
        return value
    if not isinstance(value, list) or not value:
        raise _flaw("should be a list of at least one object, one for each row", (), value)
    if not isinstance(value[0], dict) or not value[0]:
        raise _flaw("should be an object with a key for each column", (0,), value[0])
    names = list(value[0])
    kinds: dict[str, str] = {}
    for index, row in enumerate(value):
        _check_row(row, index, names)
        for name in names:
            _check_value(row[name], (index, name), kinds)
    return pandas.DataFrame(value, columns=names)


def _check_row(row: Any, index: int, names: list[str]) -> None:
    if not isinstance(row, dict):
        raise _flaw("should be an object with the keys of the first row", (index,), row)
    known = set(names)
    if row.keys() == known:
        return
    for name in names:
        if name not in row:
            raise PydanticCustomError("missing", "missing", {"at": (index, name)})
    extra = next(name for name in row if name not in known)
    raise _flaw("is not in the first row", (index, extra), row[extra])


def _check_value(value: Any, place: tuple[int, str], kinds: dict[str, str]) -> None:
    if value is None:
        return
    kind = _KINDS.get(type(value))
    if kind is None:
        raise _flaw("should be a number, string, boolean or null", place, value)
    if kinds.setdefault(place[1], kind) != kind:
        raise _flaw(f"should be a {kinds[place[1]]} as in the rows before", place, value)


def _write(value: Any) -> Any:
    return free_json.frame_to_records(value)


def _flaw(expected: str, place: tuple[int | str, ...], got: object) -> PydanticCustomError:
    return PydanticCustomError(
        "frame", "{expected}", {"expected": expected, "at": place, "got": got}
    )
