"""Answers to an example input: computed method by method, and compared; knows no files."""

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from minibento.errors import DeclarationError

__all__ = ["ATOL", "RTOL", "answers_to", "count_rows", "difference"]

RTOL, ATOL = 1e-3, 1e-6


def answers_to(example: Any, runnable: Any, methods: Mapping[str, bool]) -> dict[str, Any]:
    """What each method answers: a batchable one to all rows at once, any other row by row."""
    return {
        name: getattr(runnable, name)(example)
        if batchable
        else [getattr(runnable, name)(row) for row in _rows(example)]
        for name, batchable in methods.items()
    }


def count_rows(value: Any) -> int:
    """Length along the first axis.

    Raises:
        DeclarationError: it has none; the message is about an example input.
    """
    shape = getattr(value, "shape", None)
    if isinstance(value, list) or shape:
        return int(shape[0]) if shape else len(value)
    raise DeclarationError(
        "example_input must be several rows: a list, an array, a frame or a sparse matrix, got "
        f"{type(value).__name__}: put one row into a list"
    )


def difference(saved: Any, loaded: Any, place: str = "") -> str | None:
    """Where two answers differ, in words; None where they are alike.

    Floating-point numbers may differ by rtol 1e-3 and atol 1e-6, everything else by nothing.
    """
    if type(saved) is not type(loaded):
        return f"{place}: {type(saved).__name__} became {type(loaded).__name__}"
    if isinstance(saved, np.ndarray):
        return _array_difference(saved, loaded, place)
    if isinstance(saved, dict):
        if saved.keys() != loaded.keys():
            return f"{place}: keys {list(saved)} became {list(loaded)}"
        pairs = [(f"{place}[{key!r}]", saved[key], loaded[key]) for key in saved]
    elif isinstance(saved, list):
        if len(saved) != len(loaded):
            return f"{place}: {len(saved)} values became {len(loaded)}"
        pairs = [
            (f"{place}[{i}]", a, b) for i, (a, b) in enumerate(zip(saved, loaded, strict=True))
        ]
    else:
        return _scalar_difference(saved, loaded, place)
    found = (difference(a, b, where) for where, a, b in pairs)
    return next((text for text in found if text is not None), None)


def _array_difference(saved: np.ndarray, loaded: np.ndarray, place: str) -> str | None:
    if (saved.dtype, saved.shape) != (loaded.dtype, loaded.shape):
        return f"{place}: {saved.dtype} {saved.shape} became {loaded.dtype} {loaded.shape}"
    if saved.dtype.kind in "fc":
        same = np.isclose(saved, loaded, rtol=RTOL, atol=ATOL, equal_nan=True)
    else:
        same = np.asarray(saved == loaded)
    if same.all():
        return None
    index = tuple(int(i) for i in np.argwhere(~same)[0])
    return f"{place}{list(index)}: {saved[index]!r} became {loaded[index]!r}"


def _scalar_difference(saved: Any, loaded: Any, place: str) -> str | None:
    if hasattr(saved, "toarray"):
        return _array_difference(saved.toarray(), loaded.toarray(), place)
    if hasattr(saved, "to_dict"):
        return difference(_columns(saved), _columns(loaded), place)
    if isinstance(saved, float | np.floating):
        same = bool(np.isclose(saved, loaded, rtol=RTOL, atol=ATOL, equal_nan=True))
    else:
        same = bool(saved == loaded)
    return None if same else f"{place}: {saved!r} became {loaded!r}"


def _columns(frame: Any) -> Any:
    """A frame or series as plain values, column by column."""
    return frame.to_dict("list") if hasattr(frame, "columns") else frame.to_list()


def _rows(example: Any) -> list[Any]:
    if isinstance(example, list):
        return example
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(example, pandas.DataFrame):
        rows: list[Any] = example.to_dict("records")
        return rows
    return [example[index] for index in range(count_rows(example))]
