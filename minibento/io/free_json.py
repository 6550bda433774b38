"""Values of any type as JSON: what a method without a hint, or with `-> dict`, may answer.

Knows numpy and, if somebody has imported it, pandas; knows no hints.
"""

import inspect
import math
import sys
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
from pydantic import BaseModel
from pydantic_core import PydanticSerializationError, to_json

from minibento.io.base import BadAnswer

__all__ = ["array_to_lists", "encode", "frame_to_records", "plain", "refuse_non_finite"]


def encode(value: object) -> bytes:
    """Any value as JSON; NaN and infinity inside arrays and frames become null.

    Raises:
        BadAnswer: a type that has no JSON form, or a float that is not finite.
    """
    try:
        body = to_json(value, inf_nan_mode="constants", fallback=plain)
    except (PydanticSerializationError, ValueError, TypeError) as error:
        raise BadAnswer(f"the answer cannot become JSON: {error}") from error
    refuse_non_finite(body, value)
    return body


def plain(value: Any) -> Any:
    """What a value that the encoder does not know is written as."""
    if isinstance(value, np.ndarray):
        return array_to_lists(value)
    if isinstance(value, np.generic) and not isinstance(value, np.complexfloating | np.void):
        return array_to_lists(np.asarray(value))
    pandas = sys.modules.get("pandas")
    if pandas is not None:
        if value is pandas.NA:
            return None
        if isinstance(value, pandas.DataFrame):
            return frame_to_records(value)
        if isinstance(value, pandas.Series | pandas.Index):
            return frame_to_records(value.to_frame("_"), only="_")
    if inspect.iscoroutine(value):
        value.close()  # or Python warns of it once more, somewhere else
        raise TypeError(
            "it is a coroutine that nobody has awaited: write `await` in front of the call "
            "(or, in a method that is not async, call `.run(...)`)"
        )
    kind = type(value)
    raise TypeError(
        f"{kind.__module__}.{kind.__qualname__} has no JSON form: "
        "return numbers, text, lists, dicts, arrays, dataclasses or pydantic objects"
    )


def array_to_lists(array: np.ndarray[Any, Any]) -> Any:
    """Nested lists with null for what is not finite, ISO text for dates."""
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        return _with_null(array.astype(object), ~np.isfinite(array))
    if array.dtype.kind in "mM":
        return _with_null(array.astype(str).astype(object), np.isnat(array))
    if array.dtype.kind in "cV":
        raise TypeError(f"an array of dtype {array.dtype} has no JSON form: return its parts")
    return array.tolist()


def _with_null(array: np.ndarray[Any, Any], missing: np.ndarray[Any, Any]) -> Any:
    array[missing] = None
    return array.tolist()


def frame_to_records(frame: Any, only: str | None = None) -> list[Any]:
    """One dict for each row with null for what is missing; with `only`, that column's values."""
    columns = [str(name) for name in frame.columns]
    values = [_column(frame.iloc[:, index]) for index in range(len(columns))]
    if only is not None:
        return values[0]
    return [dict(zip(columns, row, strict=True)) for row in zip(*values, strict=True)]


def _column(column: Any) -> list[Any]:
    missing = column.isna().tolist()
    infinite = [isinstance(item, float) and math.isinf(item) for item in column.tolist()]
    return [
        None if gone or huge else item
        for item, gone, huge in zip(column.tolist(), missing, infinite, strict=True)
    ]


def refuse_non_finite(body: bytes, value: object) -> None:
    """Raise BadAnswer if `value`, written as `body`, holds a float that is not finite.

    Only a body that has one of three words can: `null` as typed floats write it, or the constants.
    Arrays and frames do not count: there it is null by promise.
    """
    if b"null" in body or b"NaN" in body or b"Infinity" in body:
        place = _find(value, "")
        if place is not None:
            where, number = place
            raise BadAnswer(
                f"the answer's {where or 'value'} is {number}, which JSON cannot say: "
                "return None where the hint allows it, or mend the number"
            )


def _find(value: Any, path: str) -> tuple[str, float] | None:
    if isinstance(value, float):
        return None if math.isfinite(value) else (path, float(value))
    if isinstance(value, np.floating):  # float64 is a float, the others are not
        return None if np.isfinite(value) else (path, float(value))
    for name, item in _parts(value):
        found = _find(item, f"{path}.{name}" if path else str(name))
        if found is not None:
            return found
    return None


def _parts(value: Any) -> Any:
    if isinstance(value, str | bytes | int | None):
        return ()
    if isinstance(value, Mapping):
        return value.items()
    if isinstance(value, list | tuple | set | frozenset):
        return enumerate(value)
    if isinstance(value, BaseModel):
        return value
    if is_dataclass(value) and not isinstance(value, type):
        return [(field.name, getattr(value, field.name)) for field in fields(value)]
    return ()
