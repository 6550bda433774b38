"""Items that are arrays: checked for rank, shape and dtype, stacked along a new first axis."""

from collections.abc import Hashable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from minibento.batching.unstack import is_sparse, is_tensor, unstack
from minibento.errors import ItemError
from minibento.wire.row_spec import RowSpec
from minibento.wording import shown, shown_json

__all__ = ["ArrayRows"]

Array = np.ndarray[Any, Any]


class ArrayRows:
    """Arrays of one shape and dtype; without a spec's shape, of rank 1."""

    def __init__(self, spec: RowSpec, method: str) -> None:
        self._method = method
        self._shape: tuple[int | None, ...] = (None,) if spec.shape is None else spec.shape
        self._dtype = None if spec.dtype is None else np.dtype(spec.dtype)

    def check_rank(self, item: object) -> None:
        """Refuse an array, frame or sparse matrix of a wrong rank or shape."""
        if is_sparse(item):
            self._check_sparse(item)
        elif isinstance(item, np.ndarray) or is_tensor(item):
            self._check_shape(tuple(item.shape))  # type: ignore[attr-defined]
        elif _is_frame(type(item)):  # type: ignore[arg-type]  # mypy takes type[object] for unhashable
            raise self._wrong_shape(item.shape, "x.iloc[0]")  # type: ignore[attr-defined]

    def check(self, item: Any) -> Any:
        """The item as an array of the spec's dtype, if that changes no value."""
        if is_sparse(item):
            self._check_sparse(item)
            return item
        array = self._as_array(item)
        self._check_shape(array.shape)
        return array if self._dtype is None else self._cast(array, self._dtype)

    def key(self, item: Any) -> Hashable:
        """Sparse rows by width, arrays by dtype and shape."""
        if is_sparse(item):
            return ("sparse", item.shape[1])
        # The length of the longest text parts no rows.
        return (item.dtype.kind if item.dtype.kind in "US" else item.dtype, item.shape)

    def unstack(self, items: Any) -> list[Any]:
        """The rows of what `.batch` was given; those of a frame as arrays."""
        if hasattr(items, "columns") and hasattr(items, "to_numpy"):
            items = items.to_numpy()
        return unstack(items, self._method)

    def collate(self, items: Sequence[Any]) -> Any:
        """One array with a new first axis, or one CSR matrix."""
        if is_sparse(items[0]):
            from scipy import sparse

            return sparse.vstack(items, format="csr")
        return np.stack(items)

    def _as_array(self, item: Any) -> Array:
        if hasattr(item, "detach"):
            item = item.detach().numpy()
        if isinstance(item, dict | str | bytes | set) or item is None:
            raise self._refused(f"got {type(item).__name__}")
        wanted = None if self._dtype is None else self._dtype.kind
        try:
            array = np.asarray(item, dtype=object if wanted == "O" else None)
        except ValueError:
            raise self._refused("got lists of different lengths") from None
        if wanted == "O" or (array.dtype.kind == wanted and wanted in "US"):
            return array
        if array.dtype.kind == "O":
            return self._from_objects(array)
        if array.dtype.kind in "US":
            raise self._refused_text(array)
        return array

    def _refused_text(self, array: Array) -> ItemError:
        text = shown(str(array.flat[0]), 40) if array.size else "''"
        if self._dtype is not None:
            return self._refused(f"got text: {text}")
        # No rows were recorded, so that the model may well take texts: one at a time.
        return ItemError(
            f"{self._method} takes one item, got a list of texts: {text}; pass one text, or many "
            f"with {self._method}.batch([...])"
        )

    def _from_objects(self, array: Array) -> Array:
        """None is NaN where numbers with a fraction are taken; other objects are refused."""
        allowed = (int, float, np.number)
        fractions = self._dtype is None or self._dtype.kind in "fc"
        for index, value in np.ndenumerate(array):
            place = ".".join(map(str, index))
            if value is None and not fractions:
                raise self._refused(f"got null at {place}", place, "null")
            if value is not None and (isinstance(value, bool) or not isinstance(value, allowed)):
                name = type(value).__name__
                raise self._refused(f"got {name} at {place}", place, shown_json(value, 40))
        try:
            return array.astype(np.float64)
        except OverflowError:
            raise self._refused("got a number too large for a float") from None

    def _cast(self, array: Array, dtype: np.dtype[Any]) -> Array:
        """The array in another dtype, where no value but the last digits of a fraction changes."""
        if array.dtype == dtype or dtype.kind in "OUS":
            return array
        if array.dtype.kind not in "biuf" or dtype.kind not in "biufc":
            raise self._refused(f"got dtype {array.dtype}")
        with np.errstate(invalid="ignore", over="ignore"):
            cast = array.astype(dtype)
        changed = np.isfinite(array) & ~np.isfinite(cast) if dtype.kind in "fc" else cast != array
        if changed.any():
            raise self._refused(f"got {array[changed].flat[0]!s}, which is not a {dtype}")
        return cast

    def _check_sparse(self, item: Any) -> None:
        width = self._shape[-1] if self._shape else None
        if item.shape[0] != 1:
            raise self._wrong_shape(item.shape, "x[:1]")
        if width is not None and item.shape[1] != width:
            raise self._refused(f"got shape {item.shape}")

    def _check_shape(self, shape: tuple[int, ...]) -> None:
        if len(shape) != len(self._shape):
            raise self._wrong_shape(shape, "x[0]")
        for got, expected in zip(shape, self._shape, strict=True):
            if expected is not None and got != expected:
                raise self._refused(f"got shape {shape}")

    def _wrong_shape(self, shape: tuple[int, ...], one: str) -> ItemError:
        mend = ""
        if len(shape) == len(self._shape) + 1:
            mend = f": pass {one}, or {self._method}.batch(x) for many rows"
        return self._refused(f"got shape {shape}{mend}")

    def _refused(self, what: str, field: str | None = None, got: str | None = None) -> ItemError:
        return ItemError(
            f"{self._method} takes {self._expected()}, {what}",
            field=field,
            expected=None if field is None else "a number",
            got=got,
        )

    def _expected(self) -> str:
        kind = "f" if self._dtype is None else self._dtype.kind
        what = "numbers" if kind in "iufc" else _CALLED.get(kind, str(self._dtype))
        if len(self._shape) == 1:
            return f"one row of {'' if self._shape[0] is None else f'{self._shape[0]} '}{what}"
        shape = ", ".join("?" if size is None else str(size) for size in self._shape)
        return f"one array of {what} of shape ({shape})"


_CALLED = {"U": "texts", "S": "bytes", "O": "values", "b": "truth values"}


@lru_cache(maxsize=1024)
def _is_frame(kind: type) -> bool:
    """Asked for each item; a pydantic object takes 1.5 us to say that it has no such attribute."""
    return hasattr(kind, "iloc") and hasattr(kind, "columns")
