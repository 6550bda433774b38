"""Decides when a batch goes and how large; knows no clock, no loop, no items.

Seconds everywhere, of one monotonic clock that the caller reads. A decision depends only on the
arguments and on what `arrived`, `finished` and `prior` were told before, so that the simulator and
the tests run the very code that serves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from minibento.batching.cost import Cost
from minibento.batching.returns import Returns

__all__ = ["Adaptive", "Greedy", "Policy", "Send", "Wait", "Waiting"]


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
        """The head's deadline, `math.inf` if it has none."""
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

    def prior(self, measurements: Sequence[tuple[int, float]]) -> None:
        """What warm-up measured: (items, seconds), the batch sizes in any order."""
        ...


class Greedy:
    """The reference: an idle worker takes all that waits."""

    def __init__(self, max_batch_size: int) -> None:
        self._max_batch_size = max_batch_size

    def decide(self, now: float, waiting: Waiting) -> Wait | Send:  # noqa: ARG002 - the protocol's
        return Send(min(len(waiting), self._max_batch_size))

    def arrived(self, now: float, count: int = 1) -> None:
        pass

    def finished(self, now: float, count: int, seconds: float) -> None:
        pass

    def hopeless(self, now: float, deadline: float, count: int = 1) -> bool:  # noqa: ARG002 - the protocol's
        return now >= deadline

    def prior(self, measurements: Sequence[tuple[int, float]]) -> None:
        pass


class Adaptive:
    """Starts at once when nothing more is on its way; `objective`: seconds of queue and compute.

    What is on its way is learned from the share of answered callers who come back within each span
    after a finish: a closed loop comes back whole within a millisecond, an open one does not care.
    """

    def __init__(self, max_batch_size: int, objective: float) -> None:
        self._max_batch_size = max_batch_size
        self._objective = objective
        self._cost = Cost()
        self._returns = Returns()
        self._plan: tuple[int, Wait] | None = None
        self._steady = max_batch_size

    def decide(self, now: float, waiting: Waiting) -> Wait | Send:
        count = len(waiting)
        plan = self._plan
        if plan is None:
            most = self._most(now, count, waiting)
            if count >= most:
                return Send(most)
            plan = self._make_plan(now, count, most, waiting)
        self._plan = plan
        target, wait = plan
        if count < target and now < wait.until:
            return wait
        self._plan = None
        return Send(min(count, self._most(now, count, waiting)))

    def arrived(self, now: float, count: int = 1) -> None:
        self._returns.arrived(now, count)

    def finished(self, now: float, count: int, seconds: float) -> None:
        self._cost.observe(count, seconds)
        self._steady = self._fit_steady()
        self._returns.finished(now, count)

    def hopeless(self, now: float, deadline: float, count: int = 1) -> bool:
        return now + self._cost.of(count) > deadline

    def prior(self, measurements: Sequence[tuple[int, float]]) -> None:
        self._cost.prior(measurements)
        self._steady = self._fit_steady()

    def _make_plan(self, now: float, count: int, most: int, waiting: Waiting) -> tuple[int, Wait]:
        """How many to wait for, and until when; the time is past where it is best to start now."""
        cost, returns = self._cost, self._returns
        room = most - count
        target, until, best = 0, now, 0.0
        lost = 0.0  # Item seconds that those in the queue have waited by then.
        before, more_before = now, 0.0
        for time, more in returns.ahead(now):
            more = min(more, room)
            lost += (count + more_before) * (time - before)
            gain = more * cost.fixed - lost
            if gain > best and more >= 0.5:
                target, until, best = count + max(1, round(more)), time, gain
            before, more_before = time, more
        latest = min(waiting.oldest + self._objective, waiting.due) - cost.of(target)
        return target, Wait(min(until, latest))

    def _most(self, now: float, count: int, waiting: Waiting) -> int:
        """The largest batch to send.

        While the head can be answered within the objective: a batch of which two fit into it, so
        that an item that just missed one is answered by the next. Once it cannot, the objective is
        lost to the queue and the largest batch that the head's deadline allows drains it fastest.
        """
        cost = self._cost
        reach = min(self._max_batch_size, max(1, 2 * cost.largest))
        steady = min(reach, self._steady)
        if now + cost.of(min(count, steady)) <= waiting.oldest + self._objective:
            return steady
        return max(steady, min(reach, cost.fitting(waiting.due - now)))

    def _fit_steady(self) -> int:
        cost = self._cost
        alone = cost.of(1)
        if alone > self._objective:
            return self._max_batch_size
        half = self._objective / 2
        return cost.fitting(half if alone <= half else self._objective)
