"""Reads a RowSpec off an example batch: one item is the example without its first axis."""

import re
from typing import Any

import numpy as np

from minibento.batching.unstack import is_sparse, is_tensor
from minibento.wire.row_spec import Column, RowSpec

__all__ = ["describe"]


def describe(example: Any) -> RowSpec:
    """The RowSpec of an example batch.

    Args:
        example: A list of items, an array, a frame, a series or a CSR matrix of at least one row.

    Raises:
        ValueError: no rows, or nothing that has rows; the message says what is accepted.
    """
    if hasattr(example, "iloc"):
        spec = _frame(example) if hasattr(example, "columns") else _items(example.tolist())
    elif is_sparse(example):
        spec = RowSpec("array", dtype=None, shape=(int(example.shape[1]),))
    elif isinstance(example, np.ndarray) or is_tensor(example):
        spec = _array(np.asarray(example))
    elif isinstance(example, list | tuple):
        spec = _list(example)
    else:
        raise ValueError(
            f"example_input is {type(example).__name__}: pass a few made-up rows as a list, "
            "array, frame or sparse matrix"
        )
    length = example.shape[0] if hasattr(example, "shape") else len(example)
    if length == 0:
        raise ValueError("example_input has no rows: pass at least one made-up row")
    return spec


def _array(example: np.ndarray[Any, Any]) -> RowSpec:
    if example.ndim == 0:
        raise ValueError("example_input is a single number: pass an array whose first axis is rows")
    return RowSpec("array", dtype=str(example.dtype), shape=tuple(example.shape[1:]))


def _list(example: list[Any] | tuple[Any, ...]) -> RowSpec:
    """Lists of equally long lists of numbers are arrays; everything else is a list of items."""
    if all(isinstance(row, np.ndarray | list | tuple) for row in example) and example:
        try:
            array = np.asarray(example)
        except ValueError:
            return _items(example)
        if array.dtype.kind in "iuf" and array.ndim > 1:
            # Python's integers in an example do not mean that fractions are wrong.
            python = array.dtype.kind in "iu" and not isinstance(example[0], np.ndarray)
            dtype = "float64" if python else str(array.dtype)
            return RowSpec("array", dtype=dtype, shape=tuple(array.shape[1:]))
    return _items(example)


def _items(example: list[Any] | tuple[Any, ...]) -> RowSpec:
    return RowSpec("list", item="str" if all(isinstance(one, str) for one in example) else None)


def _frame(example: Any) -> RowSpec:
    if not example.columns.is_unique:
        double = example.columns[example.columns.duplicated()][0]
        raise ValueError(f"two columns of example_input are called {double!r}: rename one")
    names = list(example.columns)
    return RowSpec("frame", columns=tuple(map(_column, names, example.dtypes)))


def _column(name: Any, dtype: Any) -> Column:
    if not isinstance(name, str):
        mend = "frame.columns = frame.columns.astype(str)"
        raise ValueError(f"column name {name!r} is not text: {mend}")  # noqa: TRY004 - a value
    if str(dtype) == "category":
        categories = tuple(dtype.categories.tolist())
        if not all(isinstance(category, str | int | float) for category in categories):
            raise ValueError(f"the categories of column {name!r} are not text or numbers")
        return Column(name, "category", categories, bool(dtype.ordered))
    if not _DTYPES.fullmatch(str(dtype)):
        raise ValueError(
            f"column {name!r} has the dtype {dtype}: make it numbers, truth values, text, dates "
            "and times or categories"
        )
    return Column(name, str(dtype))


# The dtypes of columns whose cells `frame_rows` can check.
_DTYPES = re.compile(
    r"u?int\d+|float\d+|bool|object|str|string|U?Int\d+|Float\d+|boolean|datetime64\[.+\]"
)
