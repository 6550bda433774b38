"""Many items in one value, taken apart: lists, arrays, frames, series, sparse matrices, tensors."""

import sys
from typing import Any

import numpy as np

from minibento.errors import ItemError

__all__ = ["is_sparse", "is_tensor", "row_count", "unstack"]


def is_sparse(value: object) -> bool:
    """Whether it is a scipy sparse matrix; scipy is only asked if somebody has imported it."""
    sparse = sys.modules.get("scipy.sparse")
    return sparse is not None and bool(sparse.issparse(value))


def is_tensor(value: object) -> bool:
    """Whether it is a torch tensor; torch is only asked if somebody has imported it."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def row_count(items: Any, method: str) -> int:
    """How many items `.batch` was given.

    Raises:
        ItemError: nothing that holds items.
    """
    if isinstance(items, list | tuple):
        return len(items)
    if (isinstance(items, np.ndarray) or is_tensor(items)) and items.ndim:
        return len(items)
    if is_sparse(items) or hasattr(items, "iloc"):
        return int(items.shape[0])
    raise ItemError(
        f"{method}.batch takes a list, array, frame or sparse matrix of rows, "
        f"got {type(items).__name__}"
    )


def unstack(items: Any, method: str) -> list[Any]:
    """The items of what `.batch` was given; the rows of a frame as dicts.

    Raises:
        ItemError: nothing that holds items.
    """
    count = row_count(items, method)
    if is_tensor(items):
        return list(items.detach().numpy())
    if is_sparse(items):
        rows = items.tocsr()
        return [rows[index : index + 1] for index in range(count)]
    if hasattr(items, "iloc"):
        return list(items.to_dict("records") if hasattr(items, "columns") else items.tolist())
    return list(items)
