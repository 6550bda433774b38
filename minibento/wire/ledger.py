"""Which calls a worker is computing, where its death does not take the answer along; one page.

The worker writes, and the caller reads once the worker is dead: then every write that the worker
had made is there, in order. `total` is written last at a beginning and first at an end, so that
whenever the writer dies in between, the page says what was so just before.
"""

from array import array
from collections.abc import Collection
from dataclasses import dataclass
from mmap import PAGESIZE, mmap

__all__ = ["LEDGER_BYTES", "Computing", "Ledger"]

LEDGER_BYTES = PAGESIZE
_TOTAL, _COUNT, _WORKER, _IDS = 0, 1, 2, 3


@dataclass(frozen=True, slots=True)
class Computing:
    """What was being computed when the worker died.

    Attributes:
        ids: The calls of this connection; none if the batch was all other connections'.
        total: Items in the batch, those of other connections too.
        all_: The ids did not fit: any call of this connection may have been in the batch.
    """

    ids: frozenset[int]
    total: int
    all_: bool = False


class Ledger:
    """One connection's page.

    Args:
        page: At least `LEDGER_BYTES` zero bytes, shared with the other end.
    """

    def __init__(self, page: mmap | bytearray) -> None:
        self._words = memoryview(page).cast("Q")

    @property
    def worker(self) -> int:
        """The process id of the worker, once it has said hello."""
        return self._words[_WORKER]

    def belongs_to(self, pid: int) -> None:
        """The worker: it is this process that writes here."""
        self._words[_WORKER] = pid

    def begin(self, ids: Collection[int], total: int) -> None:
        """The worker: a batch of `total` items begins, with these calls of this connection."""
        words = self._words
        words[_TOTAL] = 0
        count = len(ids)
        if _IDS + count <= len(words):
            words[_IDS : _IDS + count] = memoryview(array("Q", ids))
        words[_COUNT] = count
        words[_TOTAL] = total

    def end(self) -> None:
        """The worker: the batch is done."""
        self._words[_TOTAL] = 0

    def computing(self) -> Computing | None:
        """The caller: what the worker was computing when it died; None if nothing.

        While it lives, what it computes now, or has just ended or begun.
        """
        total, count = self._words[_TOTAL], self._words[_COUNT]
        if not total:
            return None
        if _IDS + count > len(self._words):
            return Computing(frozenset(), total, all_=True)
        return Computing(frozenset(self._words[_IDS : _IDS + count]), total)
