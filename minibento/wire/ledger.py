"""Which calls a worker is computing, where its death does not take the answer along; two pages.

The worker writes, and the caller reads once the worker is dead: then every write that the worker
had made is there, in order. `total` is written last at a beginning and first at an end, so that
whenever the writer dies in between, the pages say what was so just before.

Calls that may not begin a second time stand there for longer, as an answer that is on its way dies
with the worker too: until so many others have begun that there is no room, and of those it is known
up to which number they go.
"""

from array import array
from collections.abc import Collection
from dataclasses import dataclass
from mmap import PAGESIZE, mmap

__all__ = ["LEDGER_BYTES", "Begun", "Computing", "Ledger"]

LEDGER_BYTES = 2 * PAGESIZE
_TOTAL, _COUNT, _WORKER, _FORGOTTEN, _IDS = range(5)


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


@dataclass(frozen=True, slots=True)
class Begun:
    """Calls that have begun and may not begin a second time; `call.id in begun`.

    Attributes:
        ids: The last of them.
        forgotten: Up to this number any other call may have begun too.
    """

    ids: frozenset[int]
    forgotten: int

    def __contains__(self, call_id: int) -> bool:
        return call_id <= self.forgotten or call_id in self.ids


class Ledger:
    """One connection's pages.

    Args:
        pages: `LEDGER_BYTES` zero bytes, shared with the other end.
    """

    def __init__(self, pages: mmap | bytearray) -> None:
        self._words = memoryview(pages).cast("Q")
        # Where the calls stand that may not begin twice, and where the next of them goes.
        self._once = self._next = len(self._words) // 2

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
        if _IDS + count <= self._once:
            words[_IDS : _IDS + count] = memoryview(array("Q", ids))
        words[_COUNT] = count
        words[_TOTAL] = total

    def begin_once(self, ids: Collection[int]) -> None:
        """The worker: these calls begin, and may not begin a second time."""
        words = self._words
        for call_id in ids:
            words[_FORGOTTEN] = max(words[_FORGOTTEN], words[self._next])
            words[self._next] = call_id
            self._next += 1
            if self._next == len(words):
                self._next = self._once

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
        if _IDS + count > self._once:
            return Computing(frozenset(), total, all_=True)
        return Computing(frozenset(self._words[_IDS : _IDS + count]), total)

    def begun_once(self) -> Begun:
        """The caller: the calls that have begun and may not begin a second time."""
        ids = frozenset(self._words[self._once :])
        return Begun(ids, self._words[_FORGOTTEN])
