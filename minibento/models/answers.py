"""Answers to an example input: computed method by method, and compared; knows no files."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from minibento.batching.rows import rows, unstack
from minibento.models.about import Signature

__all__ = ["answers_to", "difference"]

_RTOL, _ATOL = 1e-3, 1e-6


def answers_to(example: Any, runnable: Any, methods: Mapping[str, Signature]) -> dict[str, Any]:
    """What each method answers, with the rows built as a runner builds them.

    A batchable method answers all rows at once, in one piece; any other a list, row by row.
    """
    answers: dict[str, Any] = {}
    for name, spec in methods.items():
        method, items = getattr(runnable, name), unstack(example, name)
        if spec.batchable:
            form = rows(spec.rows, name)
            answers[name] = method(form.collate([form.check(item) for item in items]))
        else:
            answers[name] = [method(item) for item in items]
    return answers


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
        same = np.isclose(saved, loaded, rtol=_RTOL, atol=_ATOL, equal_nan=True)
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
        same = bool(np.isclose(saved, loaded, rtol=_RTOL, atol=_ATOL, equal_nan=True))
    else:
        same = bool(saved == loaded)
    return None if same else f"{place}: {saved!r} became {loaded!r}"


def _columns(frame: Any) -> Any:
    """A frame or series as plain values, column by column."""
    return frame.to_dict("list") if hasattr(frame, "columns") else frame.to_list()
