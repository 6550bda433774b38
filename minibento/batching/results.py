"""What a model answered for a batch, taken apart into one result per item and joined again."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minibento.batching.unstack import is_sparse, is_tensor
from minibento.errors import BadResult

__all__ = ["join", "length", "owned", "split"]


def owned(value: Any) -> Any:
    """The value with copies of its arrays: a model may use its output's memory again."""
    if isinstance(value, np.ndarray):
        return value.copy()
    if is_tensor(value):
        return value.detach().clone()
    if isinstance(value, list | tuple):
        return [owned(item) for item in value]
    if type(value) is dict:
        return {name: owned(item) for name, item in value.items()}
    return value


def split(result: Any, count: int, method: str) -> list[Any]:
    """One result per item, without the batch axis.

    Args:
        result: An array, list, frame, series or CSR matrix of `count` rows, or a dict of such
            (then each item's result is a dict).

    Raises:
        BadResult: it is nothing of these, or has another number of rows.
    """
    if is_tensor(result):
        result = result.detach().numpy()
    if isinstance(result, dict) and result:
        columns = [split(part, count, f"{method}[{name!r}]") for name, part in result.items()]
        return [dict(zip(result, row, strict=True)) for row in zip(*columns, strict=True)]
    found = length(result)
    if found != count:
        got = type(result).__name__ if found is None else f"{found} results"
        raise BadResult(
            f"{method} was given a batch of {count} items and answered {got}: "
            "return a list or array with exactly one result per item, in their order"
        )
    if is_sparse(result):
        rows = result.tocsr()
        return [rows[index : index + 1] for index in range(count)]
    if hasattr(result, "iloc"):
        return [result.iloc[index] for index in range(count)]
    return list(owned(result))


def join(results: Sequence[Any]) -> Any:
    """The results of many items in one piece: an array, frame or CSR matrix if they stack."""
    first: Any = results[0] if results else None
    kind = type(first)
    if any(type(result) is not kind for result in results):
        return list(results)
    if isinstance(first, np.generic):
        return np.array(results)
    if isinstance(first, np.ndarray):
        same = all(r.shape == first.shape and r.dtype == first.dtype for r in results)
        return np.stack(results) if same else list(results)
    if is_sparse(first):
        if any(result.shape[1] != first.shape[1] for result in results):
            return list(results)
        from scipy import sparse

        return sparse.vstack(results, format="csr")
    if hasattr(first, "iloc"):
        columns = first.index
        if not columns.is_unique or any(not result.index.equals(columns) for result in results):
            return list(results)
        import pandas

        frame = pandas.DataFrame(list(results)).reset_index(drop=True)
        # A row of several dtypes is a series of objects.
        return frame.infer_objects()
    return list(results)


def length(result: Any) -> int | None:
    """Rows of a result; None: it has none."""
    if hasattr(result, "shape"):
        return int(result.shape[0]) if len(result.shape) else None
    return len(result) if isinstance(result, list | tuple) else None
