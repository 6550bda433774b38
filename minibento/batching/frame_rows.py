"""Items that are one row of a pandas frame: each cell checked alone, dtypes as recorded."""

import difflib
import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np

from minibento.batching.unstack import is_sparse, is_tensor, unstack
from minibento.errors import ItemError
from minibento.importing import optional
from minibento.wire.row_spec import Column, RowSpec
from minibento.wording import shown_json

__all__ = ["FrameRows"]

Cell = Callable[[Any], Any]


class FrameRows:
    """Rows with the columns of a spec; an item is a mapping or one row of a frame."""

    def __init__(self, spec: RowSpec, method: str) -> None:
        self._method = method
        self._pandas: Any = optional("pandas", purpose=f"{method} with frames")
        self._columns = {column.name: column for column in spec.columns}
        self._cells = {column.name: _cell(column) for column in spec.columns}
        self._missing = self._pandas.NA
        self._whole = (self._pandas.DataFrame, np.ndarray)

    def check_rank(self, item: object) -> None:
        """Refuse a whole frame or array."""
        # By its type: a row of one's own may have a field called `columns`, or `ndim`.
        holds = isinstance(item, self._whole) or is_sparse(item) or is_tensor(item)
        if holds and item.ndim > 1:  # type: ignore[attr-defined]
            raise ItemError(
                f"{self._method} takes one row, got shape {item.shape}: "  # type: ignore[attr-defined]
                f"pass x.iloc[0], or {self._method}.batch(x) for many rows"
            )

    def unstack(self, items: Any) -> list[Any]:
        """The rows of what `.batch` was given; those of a frame as dicts."""
        return unstack(items, self._method)

    def check(self, item: Any) -> list[Any]:
        """The row's values in the order of the columns."""
        self.check_rank(item)
        row = item if isinstance(item, Mapping) else self._mapping(item)
        if len(row) != len(self._cells) or row.keys() != self._cells.keys():
            self._refuse_columns(row)
        return [self._checked(name, cell, row[name]) for name, cell in self._cells.items()]

    def key(self, item: Any) -> Hashable:  # noqa: ARG002 - every row goes with every other
        """All rows go together."""
        return None

    def collate(self, items: Sequence[list[Any]]) -> Any:
        """A frame of the recorded columns and dtypes."""
        pandas = self._pandas
        columns = zip(self._columns.values(), zip(*items, strict=True), strict=True)
        return pandas.DataFrame(
            {column.name: _array(column, values, pandas) for column, values in columns}
        )

    def _mapping(self, item: Any) -> Mapping[str, Any]:
        if hasattr(item, "to_dict"):
            found: Mapping[str, Any] = item.to_dict()
            return found
        names = ", ".join(self._cells)
        raise ItemError(
            f"{self._method} takes one row as a dict with the columns {names}, "
            f"got {type(item).__name__}"
        )

    def _refuse_columns(self, row: Mapping[str, Any]) -> None:
        for name in self._cells:
            if name not in row:
                near = difflib.get_close_matches(name, map(str, row), n=1)
                hint = f" (got {near[0]!r})" if near and near[0] not in self._cells else ""
                raise ItemError(
                    f"{self._method}: column {name!r} is missing{hint}",
                    field=name,
                    expected="this field is required",
                )
        extra = next(str(name) for name in row if name not in self._cells)
        names = ", ".join(self._cells)
        raise ItemError(
            f"{self._method}: {extra!r} is not one of the model's columns: {names}",
            field=extra,
            expected="no such field is accepted",
            got=shown_json(row[extra], 40) if extra in row else None,
        )

    def _checked(self, name: str, cell: Cell, value: Any) -> Any:
        if isinstance(value, np.generic):
            value = value.item()
        elif value is self._missing:
            value = None
        try:
            return cell(value)
        except (TypeError, ValueError) as error:
            expected, got = str(error), shown_json(value, 40)
            raise ItemError(
                f"{self._method}: column {name!r} takes {expected}, got {got}",
                field=name,
                expected=expected,
                got=got,
            ) from None


def _cell(column: Column) -> Cell:
    """What checks one value of a column; it raises TypeError or ValueError with what is taken."""
    if column.categories is not None:
        return _category(column)
    name = column.dtype
    if name.startswith("datetime64"):
        return _moment(name)
    if name in {"str", "string"}:
        return _text
    if name in {"bool", "boolean"}:
        return _optional(_truth) if name == "boolean" else _truth
    if name == "object":
        return lambda value: value
    if name[0].isupper():  # Int64, Float32: pandas' own dtypes, which hold missing values
        return _optional(_number(np.dtype(name.lower())))
    return _number(np.dtype(name))


def _number(dtype: np.dtype[Any]) -> Cell:
    return _whole(dtype) if dtype.kind in "iu" else _real(dtype)


def _whole(dtype: np.dtype[Any]) -> Cell:
    info = np.iinfo(dtype)

    def whole(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int | float) or value % 1 != 0:
            raise TypeError("a whole number")
        if not info.min <= value <= info.max:
            raise ValueError(f"a whole number from {info.min} to {info.max}")
        return int(value)

    return whole


def _real(dtype: np.dtype[Any]) -> Cell:
    largest = float(np.finfo(dtype).max)

    def real(value: Any) -> float:
        if value is None:
            return math.nan
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise TypeError("a number or null")
        if abs(value) > largest and value not in _INFINITE:
            raise ValueError(f"a number that fits into a {dtype}")
        return float(value)

    return real


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError("true or false")
    return value


def _text(value: Any) -> str | None:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if not isinstance(value, str):
        raise TypeError("text or null")
    return value


def _moment(dtype: str) -> Cell:
    """A date and time of the column's unit: with an offset where the column has a time zone."""
    import pandas

    unit: Any
    unit, _, zone = dtype.removeprefix("datetime64[").removesuffix("]").partition(", ")
    offset = "+00:00" if zone else ""
    what = f"a date and time {'with' if zone else 'without'} an offset"
    example = f"such as 2026-01-31T12:00:00{offset}, or null"

    def moment(value: Any) -> Any:
        if value is None or value is pandas.NaT:
            return None
        try:
            found = datetime.fromisoformat(value) if isinstance(value, str) else value
            if isinstance(found, datetime) and (found.tzinfo is not None) == bool(zone):
                return pandas.Timestamp(found).as_unit(unit)
        except ValueError:
            pass
        raise ValueError(f"{what} {example}")

    return moment


def _category(column: Column) -> Cell:
    known = frozenset(column.categories or ())
    names = ", ".join(map(repr, (column.categories or ())[:20]))

    def category(value: Any) -> Any:
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return None
        if not isinstance(value, Hashable) or value not in known:
            raise ValueError(f"one of {names}")
        return value

    return category


def _optional(cell: Cell) -> Cell:
    return lambda value: None if value is None else cell(value)


def _array(column: Column, values: Sequence[Any], pandas: Any) -> Any:
    if column.categories is not None:
        return pandas.Categorical(values, categories=column.categories, ordered=column.ordered)
    if column.dtype.startswith(("int", "uint", "float", "bool")) and column.dtype != "boolean":
        return np.array(values, dtype=column.dtype)
    return pandas.Series(values, dtype=column.dtype).array


_INFINITE = frozenset({math.inf, -math.inf})
