"""How items are checked alone and stacked into a batch, by a RowSpec; knows no queue and no model.

An item is checked before it joins others, and what it is turned into never depends on them: a good
row's dtypes and answer are the same in every batch.
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from minibento.batching.array_rows import ArrayRows
from minibento.batching.unstack import is_sparse, is_tensor, unstack
from minibento.errors import ItemError
from minibento.wire.row_spec import RowSpec
from minibento.wording import shown_json

__all__ = ["Rows", "rows"]


class Rows(Protocol):
    """What becomes of the items of one method."""

    def check_rank(self, item: object) -> None:
        """Refuse, before it is sent, an item that is really many: raises ItemError."""
        ...

    def unstack(self, items: Any) -> list[Any]:
        """The items of what `.batch` was given: a list, array, frame or sparse matrix."""
        ...

    def check(self, item: Any) -> Any:
        """The item in the form in which it joins a batch.

        Raises:
            ItemError: it cannot; the message and `field` say where and why.
        """
        ...

    def key(self, item: Any) -> Hashable:
        """Checked items with equal keys can be stacked."""
        ...

    def collate(self, items: Sequence[Any]) -> Any:
        """The batch as the model takes it, from checked items of one key."""
        ...


def rows(spec: RowSpec, method: str) -> Rows:
    """The Rows for a spec; `method` is named in errors."""
    if spec.kind == "array":
        return ArrayRows(spec, method)
    if spec.kind == "frame":
        from minibento.batching.frame_rows import FrameRows

        return FrameRows(spec, method)
    return AutoRows(method) if spec.kind == "auto" else ListRows(spec, method)


class ListRows:
    """Items of any kind, or texts; the batch is a list of them."""

    def __init__(self, spec: RowSpec, method: str) -> None:
        self._method = method
        self._texts = spec.item == "str"

    def check_rank(self, item: object) -> None:
        """Nothing to refuse: a list item may be anything."""

    def unstack(self, items: Any) -> list[Any]:
        """The rows of what `.batch` was given; those of a frame as dicts."""
        return unstack(items, self._method)

    def check(self, item: Any) -> Any:
        """The item as it is, if it is a text where the example had texts only."""
        if self._texts and not isinstance(item, str):
            got = shown_json(item, 40)
            many = f"; many go with {self._method}.batch([...])" * isinstance(item, list)
            raise ItemError(
                f"{self._method} takes one text, got {got}{many}",
                field="",
                expected="text",
                got=got,
            )
        return item

    def key(self, item: Any) -> Hashable:  # noqa: ARG002 - every item goes with every other
        """All items go together."""
        return None

    def collate(self, items: Sequence[Any]) -> Any:
        """A list of the items."""
        return _listed(items)


class AutoRows:
    """By the item: 1-D arrays and sparse rows are stacked, all others go into a list."""

    def __init__(self, method: str) -> None:
        self._method = method
        self._arrays = ArrayRows(RowSpec("array"), method)

    def check_rank(self, item: object) -> None:
        """Refuse what holds many rows."""
        self._arrays.check_rank(item)

    def unstack(self, items: Any) -> list[Any]:
        """The rows of what `.batch` was given; those of a frame as dicts."""
        return unstack(items, self._method)

    def check(self, item: Any) -> Any:
        """Numbers in a list become an array; the rest stays."""
        if isinstance(item, Mapping | str | bytes) or item is None:
            return item
        if is_sparse(item) or isinstance(item, np.ndarray | list | tuple) or is_tensor(item):
            return self._arrays.check(item)
        if hasattr(item, "to_dict"):  # one row of a frame
            return item.to_dict()
        return item

    def key(self, item: Any) -> Hashable:
        """Arrays by dtype and shape, sparse rows by width, everything else together."""
        if is_sparse(item) or isinstance(item, np.ndarray):
            return self._arrays.key(item)
        return None

    def collate(self, items: Sequence[Any]) -> Any:
        """A stacked array, a stacked CSR matrix or a list."""
        if is_sparse(items[0]) or isinstance(items[0], np.ndarray):
            return self._arrays.collate(items)
        return _listed(items)


_MUTABLE = frozenset({dict, list, np.ndarray})


def _listed(items: Sequence[Any]) -> list[Any]:
    """The items, copied where a model may write into them: a bisected batch runs them again."""
    return [item.copy() if type(item) in _MUTABLE else item for item in items]
