"""Notices a batch that computes far past what its callers wait for; knows no model and no log."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from minibento.batching.queue import Entry

__all__ = ["Overrun", "Span", "Stuck"]

# The batch may end so long after the last of its callers has been answered with 504.
PAST_DEADLINE = 0.5
# And may compute so long if one of its callers waits for ever.
WITHOUT_DEADLINE = 60.0


@dataclass(frozen=True, slots=True)
class Stuck:
    """A batch that does not end.

    Attributes:
        method: `model.predict`.
        seconds: For which it has computed until now.
    """

    method: str
    seconds: float

    def __str__(self) -> str:
        return f"{self.method} has been computing one batch for {self.seconds:.1f} s"


class Span(NamedTuple):
    """Monotonic seconds: since when a batch computes, and until when it is not stuck."""

    since: float
    until: float


class _Timers(Protocol):
    def call_later(self, delay: float, callback: Callable[[], None], /) -> Any: ...


class Overrun:
    """Watches the one batch that computes; everything happens on one loop.

    Args:
        timers: The loop.
        clock: Monotonic seconds.
        found: Told once of each batch that is found stuck.
        over: Told when such a batch has ended after all.
    """

    def __init__(
        self,
        timers: _Timers,
        clock: Callable[[], float] = time.monotonic,
        found: Callable[[Stuck], None] = lambda _: None,
        over: Callable[[Stuck], None] = lambda _: None,
    ) -> None:
        self._timers = timers
        self._clock = clock
        self._found = found
        self._over = over
        self._method: str | None = None
        self._began = self._until = 0.0
        self._told = False
        self._timer: Any = None
        self._rings = 0.0

    def begin(self, method: str, batch: Sequence[Entry], now: float) -> None:
        """A batch starts."""
        self._method, self._began, self._told = method, now, False
        self._until = max(
            now + WITHOUT_DEADLINE if entry.deadline is None else entry.deadline + PAST_DEADLINE
            for entry in batch
        )
        # One timer for many batches: most end long before theirs would ring.
        if self._timer is None or self._rings > self._until:
            self._ring_at(self._until, now)

    def end(self) -> None:
        """The batch has ended."""
        if self._told and self._method is not None:
            self._over(Stuck(self._method, self._clock() - self._began))
        self._method, self._told = None, False

    @property
    def span(self) -> Span | None:
        """The time of the present batch; None: there is none."""
        return None if self._method is None else Span(self._began, self._until)

    def stuck(self) -> Stuck | None:
        """The present batch if it is stuck."""
        now = self._clock()
        if self._method is None or now <= self._until:
            return None
        stuck = Stuck(self._method, now - self._began)
        if not self._told:
            self._told = True
            self._found(stuck)
        return stuck

    def close(self) -> None:
        """Watch no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ring_at(self, until: float, now: float) -> None:
        self.close()
        self._rings = until
        # Just past it, so that one look is enough.
        self._timer = self._timers.call_later(max(0.0, until - now) + 0.01, self._ring)

    def _ring(self) -> None:
        self._timer = None
        if self.stuck() is None and self._method is not None:
            self._ring_at(self._until, self._clock())
