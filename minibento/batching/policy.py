"""Decides when a batch goes and how large; knows no clock, no loop, no items.

Seconds everywhere, of one monotonic clock that the caller reads. A decision depends only on the
arguments and on what `arrived`, `finished` and `prior` were told before, so that the simulator and
the tests run the very code that serves.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from minibento.batching.cost import Cost
from minibento.batching.returns import Returns

__all__ = [
    "SHORTEST_WAIT",
    "SHORT_BATCH",
    "Adaptive",
    "Greedy",
    "Policy",
    "Send",
    "Wait",
    "Waiting",
]

# What a loop's timers resolve: a wait that nobody ends is at least this long.
SHORTEST_WAIT = 0.001
# A batch that takes less costs more to hand to another thread and back, with its interpreter lock,
# than a loop that stands still meanwhile loses. Timers are as late.
SHORT_BATCH = 0.002
# One that took so long tells that predictions are not to be relied on for so many batches.
_SURPRISE = 10 * SHORT_BATCH
_SURPRISED = 100
_ROUNDING = 1e-9
_TRY_SECONDS = 0.25  # After so long without a batch one item is tried, whatever is predicted.
_ONE = 0.5  # Fewer expected than this, rounded, are none.


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing goes yet: decide again when something arrives, at the latest at `until`."""

    until: float


@dataclass(frozen=True, slots=True)
class Send:
    """The first `count` waiting items that are not hopeless go now."""

    count: int


class Waiting(Protocol):
    """The queue as a policy sees it, first in first out; its answers take constant time."""

    def __len__(self) -> int: ...

    @property
    def oldest(self) -> float:
        """When the head arrived."""
        ...

    @property
    def due(self) -> float:
        """By when the head's batch has to end for its deadline, `math.inf` if it has none."""
        ...


class Policy(Protocol):
    """What the driver asks and tells; one policy belongs to one worker.

    The driver calls `decide` only while its worker is idle and something waits. At `Send(n)` it
    takes items from the head until it has n that are not `hopeless(now, deadline, n)`; those that
    are it answers with Expired.
    """

    def decide(self, now: float, waiting: Waiting) -> Wait | Send:
        """Whether the head of the queue goes now, and how much of it."""
        ...

    def arrived(self, now: float, count: int = 1) -> None:
        """`count` items joined the queue."""
        ...

    def finished(self, now: float, count: int, seconds: float) -> None:
        """A batch of `count` took `seconds` of compute, without the time in the queue."""
        ...

    def hopeless(self, now: float, deadline: float, count: int = 1) -> bool:
        """Whether an item misses its deadline even if it goes now, in a batch of `count`."""
        ...

    def short(self, count: int) -> bool:
        """Whether a batch of `count` is known to be over so soon that no thread of its own pays."""
        ...

    def compute(self, count: int) -> float:
        """Predicted seconds of a batch of `count`; 0 before anything is known."""
        ...

    def answered(self, waiting: int, count: int) -> float:
        """Predicted seconds from when the worker is free until `count` items are answered that
        come behind `waiting` others; 0 before anything is known.
        """
        ...

    def prior(self, measurements: Sequence[tuple[int, float]]) -> None:
        """What warm-up measured: (items, seconds), the batch sizes in any order."""
        ...


class Greedy:
    """The reference: an idle worker takes all that waits.

    What an item itself will take it does not presume to know, only how long those ahead take.
    """

    def __init__(self, max_batch_size: int) -> None:
        self._max_batch_size = max_batch_size
        self._cost = Cost()

    def decide(self, now: float, waiting: Waiting) -> Wait | Send:  # noqa: ARG002 - the protocol's
        return Send(min(len(waiting), self._max_batch_size))

    def arrived(self, now: float, count: int = 1) -> None:
        pass

    def finished(self, now: float, count: int, seconds: float) -> None:  # noqa: ARG002 - likewise
        self._cost.observe(count, seconds)

    def hopeless(self, now: float, deadline: float, count: int = 1) -> bool:  # noqa: ARG002 - the protocol's
        return now >= deadline

    def short(self, count: int) -> bool:  # noqa: ARG002 - the protocol's
        return False

    def compute(self, count: int) -> float:
        return self._cost.of(count)

    def answered(self, waiting: int, count: int) -> float:
        ahead = max(0, waiting + count - 1) // self._max_batch_size
        return ahead * self._cost.of(self._max_batch_size)

    def prior(self, measurements: Sequence[tuple[int, float]]) -> None:
        for count, seconds in measurements:
            self._cost.observe(count, seconds)


class Adaptive:
    """Starts at once when nothing more is on its way; `objective`: seconds of queue and compute.

    It waits where callers just answered are known to come back together, so that they do not form
    a second batch that takes turns with the first; it sends what can be answered in time.
    docs/batching.md derives both rules.
    """

    def __init__(self, max_batch_size: int, objective: float) -> None:
        self._max_batch_size = max_batch_size
        self._objective = objective
        self._cost = Cost()
        self._returns = Returns()
        self._last = -math.inf  # When a batch finished.
        self._wait: Wait | None = None  # The one under way, ...
        self._target = 0  # ... and how many in the queue end it early.
        self._surprised = 0  # Batches left until what seems short is believed again.

    def decide(self, now: float, waiting: Waiting) -> Wait | Send:
        count = len(waiting)
        if self._wait is not None and count < self._target and now < self._wait.until:
            return self._wait
        most = self._most(now, count, waiting)
        # One wait for each batch: where it is over the batch goes, whoever has come.
        if self._wait is None and count < most:
            self._wait = self._best_wait(now, count, most - count, waiting)
            if self._wait is not None:
                return self._wait
        self._wait = None
        return Send(min(count, most))

    def arrived(self, now: float, count: int = 1) -> None:
        self._returns.arrived(now, count)

    def finished(self, now: float, count: int, seconds: float) -> None:
        self._cost.observe(count, seconds)
        self._returns.finished(now, count)
        self._surprised = _SURPRISED if seconds > _SURPRISE else max(0, self._surprised - 1)
        self._last = now

    def hopeless(self, now: float, deadline: float, count: int = 1) -> bool:
        seconds = self._cost.of(count)
        if now > deadline or now + seconds <= deadline:
            return now > deadline
        # What was slow may be fast again, and nobody finds out unless one is tried. It keeps nobody
        # from an answer: a worker that has been idle for so long had nothing but hopeless items.
        return count > 1 or now - self._last < max(seconds, _TRY_SECONDS)

    def compute(self, count: int) -> float:
        return self._cost.of(count)

    def answered(self, waiting: int, count: int) -> float:
        whole, rest = divmod(waiting + count, self._largest)
        return whole * self._cost.of(self._largest) + (self._cost.of(rest) if rest else 0.0)

    def short(self, count: int) -> bool:
        known = 0 < count <= 2 * self._cost.largest
        return known and not self._surprised and self._cost.of(count) < SHORT_BATCH

    def prior(self, measurements: Sequence[tuple[int, float]]) -> None:
        for count, seconds in measurements:
            self._cost.observe(count, seconds)

    def _best_wait(self, now: float, count: int, room: int, waiting: Waiting) -> Wait | None:
        """The wait with the greatest gain, None where it is best to start now.

        Each caller who comes back in time saves a batch's fixed cost to those behind; each who
        waits for them loses that time. An idle second longer than the fixed cost is never earned,
        so nothing is waited for where no timer is as short.
        """
        fixed = self._cost.fixed
        if fixed < SHORTEST_WAIT:
            return None
        until, best = now, 0.0
        lost, before, back = 0.0, now, 0.0
        for time, above, more in self._returns.ahead(now):
            if time - now > fixed:
                break
            lost += (count + back) * (time - before)
            before, back = time, min(more, room)
            gain = min(above, room) * fixed - lost
            if gain > best and back >= _ONE:
                self._target, until, best = count + max(1, round(back)), time, gain
        if not best:
            return None
        latest = min(waiting.oldest + self._objective, waiting.due) - self._cost.of(self._target)
        until = min(until, latest)
        return Wait(until) if until > now else None

    @property
    def _largest(self) -> int:
        """The largest batch about whose cost something is known."""
        known = self._cost.largest
        return min(self._max_batch_size, 2 * known) if known else self._max_batch_size

    def _most(self, now: float, count: int, waiting: Waiting) -> int:
        """The largest batch to send.

        Where all that waits can be answered within the objective: as many as the head can bear.
        Else as many as arrived so lately that a batch of them is in time, taking what waits as
        evenly spaced; older ones go along in their place unless their deadline sheds them. Where
        that loses the head, but its deadline is later: the largest batch that the deadline
        allows, as it empties the queue fastest.
        """
        cost = self._cost
        known = self._largest
        if not cost.largest:  # nothing is known yet, so nothing speaks against any size
            return known
        age = now - waiting.oldest
        if age + cost.of(count) <= self._objective:
            return min(known, cost.fitting(self._objective - age))
        spaced = cost.each + age / count
        fresh = (self._objective - cost.fixed) / spaced + _ROUNDING if spaced else known
        most = max(1, min(known, int(fresh)))
        if age + cost.of(most) <= self._objective + _ROUNDING:
            return most
        return max(most, min(known, cost.fitting(waiting.due - now)))
