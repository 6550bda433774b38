"""The items that wait for one method and what became of each; knows no loop and no thread."""

import math
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from minibento.batching.policy import Policy
from minibento.batching.slip import Slip

__all__ = ["RETURN_SECONDS", "Entry", "Outcome", "Queue"]

# An answer that is computed still has its way back to the caller.
RETURN_SECONDS = 0.002


class Outcome:
    """What became of one item, and how its batch went."""

    __slots__ = ("batch_size", "compute_seconds", "queue_seconds", "value")

    def __init__(
        self,
        value: Any,
        batch_size: int = 0,
        queue_seconds: float = 0.0,
        compute_seconds: float = 0.0,
    ) -> None:
        self.value = value
        self.batch_size = batch_size
        self.queue_seconds = queue_seconds
        self.compute_seconds = compute_seconds


class Entry:
    """One item waiting: `done(outcome)` is called once, on the loop, unless it is cancelled.

    `origin` is whatever its owner wants to know it by when its batch begins. `expected` is when it
    is predicted to be answered; 0: nothing is.
    """

    __slots__ = (
        *("arrived", "deadline", "done", "expected", "gone", "item", "key", "origin", "waiting"),
    )

    def __init__(
        self,
        item: Any,
        key: Hashable,
        deadline: float | None,
        done: Callable[[Outcome], None],
        origin: Any = None,
    ) -> None:
        self.item = item
        self.key = key
        self.deadline = deadline
        self.done = done
        self.origin = origin
        self.arrived = 0.0
        self.expected = 0.0
        self.gone = False
        self.waiting = False


class Queue:
    """The items waiting for one method, first in first out, as the policy sees them.

    Args:
        method: Its name, for errors.
        job: Runs where it is computed: items to one result or exception each; never raises.
        policy: Decides when how many go.
        limit: Items that may wait; one more is refused.
        here: Whether the job may run on the loop's own thread, if it is short.
        longest: Seconds that an answer may be predicted to take, beside its deadline; None: items
            are refused for no prediction.
    """

    def __init__(
        self,
        method: str,
        job: Callable[[Sequence[Any]], list[Any]],
        policy: Policy,
        limit: int,
        *,
        here: bool = False,
        longest: float | None = math.inf,
    ) -> None:
        self.method = method
        self.job = job
        self.policy = policy
        self.limit = limit
        self.longest = longest
        self.slip = Slip()
        self.here = here
        self._entries: deque[Entry] = deque()
        self._gone = 0

    def __len__(self) -> int:
        return len(self._entries) - self._gone

    @property
    def oldest(self) -> float:
        """Arrival of the first item still wanted; only asked while there is one."""
        return self._head().arrived

    @property
    def due(self) -> float:
        """By when a batch with the first item still wanted has to end; asked while there is one."""
        return _due(self._head())

    def _head(self) -> Entry:
        while self._entries[0].gone:
            self._entries.popleft()
            self._gone -= 1
        return self._entries[0]

    def put(self, entry: Entry) -> None:
        """Let an item wait."""
        entry.waiting = True
        self._entries.append(entry)

    def forget(self, entry: Entry) -> None:
        """The entry's caller has gone; an item that still waits is dropped before it costs."""
        if entry.waiting and not entry.gone:
            self._gone += 1
        entry.gone = True
        self._compact()

    def take(self, count: int, now: float) -> tuple[list[Entry], list[Entry]]:
        """Remove the next batch: up to `count` items that stack with the first, and the hopeless.

        Returns:
            The batch, and the entries whose deadline cannot be met any more.
        """
        batch: list[Entry] = []
        late: list[Entry] = []
        while (found := self._stacking(count - len(batch), batch)) and len(batch) < count:
            size = len(batch) + len(found)
            for entry in found:
                (late if self._hopeless(_due(entry), now, size) else batch).append(entry)
        if len(batch) < count:
            self._take_back(batch, late, count, now)
        self._compact()
        return batch, late

    def _take_back(self, batch: list[Entry], late: list[Entry], count: int, now: float) -> None:
        """Of a batch that did not become as large as was thought, more are in time: the last."""
        due = min(map(_due, batch), default=math.inf)
        while late and len(batch) < count and (not batch or late[-1].key == batch[0].key):
            due = min(due, _due(late[-1]))
            if self._hopeless(due, now, len(batch) + 1):
                return
            batch.insert(0, late.pop())

    def _stacking(self, count: int, batch: Sequence[Entry]) -> list[Entry]:
        """Remove up to `count` items that stack with those of a batch, or with the first."""
        found: list[Entry] = []
        passed_over: list[Entry] = []
        entries = self._entries
        while entries and len(found) < count:
            entry = entries.popleft()
            if entry.gone:
                self._gone -= 1
                continue
            first = batch or found
            if first and entry.key != first[0].key:
                passed_over.append(entry)
                continue
            entry.waiting = False
            found.append(entry)
        entries.extendleft(reversed(passed_over))
        return found

    def _hopeless(self, due: float, now: float, size: int) -> bool:
        return due < math.inf and self.policy.hopeless(now, due, size)

    def _compact(self) -> None:
        """While a batch takes long, those who come and go must not fill the memory."""
        if self._gone * 2 > len(self._entries):
            self._entries = deque(entry for entry in self._entries if not entry.gone)
            self._gone = 0

    def clear(self) -> list[Entry]:
        """Remove all that wait and return those still wanted."""
        left = [entry for entry in self._entries if not entry.gone]
        self._entries.clear()
        self._gone = 0
        return left


def _due(entry: Entry) -> float:
    """By when a batch with this item has to end."""
    return math.inf if entry.deadline is None else entry.deadline - RETURN_SECONDS
