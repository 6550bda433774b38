"""Decides when a batch goes and how large; knows no clock, no loop, no items.

Seconds everywhere, of one monotonic clock that the caller reads. A decision depends only on the
arguments and on what `arrived`, `finished` and `prior` were told before, so that the simulator and
the tests run the very code that serves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

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
    """The queue as a policy sees it, first in first out; both answers take constant time."""

    def __len__(self) -> int: ...

    @property
    def oldest(self) -> float:
        """When the head arrived."""
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
    """Starts at once when nothing more is on its way; `objective`: seconds of queue and compute."""

    def __init__(self, max_batch_size: int, objective: float) -> None:
        self._max_batch_size = max_batch_size
        self._objective = objective

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
