"""How long a place may be silent, slow or out of order; knows neither sockets nor files."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from minibento.errors import RemoteError

__all__ = ["Pace", "Patience", "pause"]


@dataclass(frozen=True, slots=True)
class Patience:
    """Limits, in seconds if not said otherwise.

    Attributes:
        connect: Until a connection is there.
        silence: Between two pieces of an answer, or until one of ours is taken.
        window: An answer's pace is looked at that often.
        slowest: Bytes a second below which an answer is given up.
        tries: How often something is tried in all.
        first_pause: Before the second try; doubled before each further one.
        longest_pause: What asks for a longer one is given up.
    """

    connect: float = 10.0
    silence: float = 60.0
    window: float = 30.0
    slowest: int = 1000
    tries: int = 5
    first_pause: float = 0.5
    longest_pause: float = 60.0


class Pace:
    """Gives up an answer that goes on for ever without getting anywhere."""

    def __init__(
        self, who: str, patience: Patience, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._who = who
        self._patience = patience
        self._clock = clock
        self._since = clock()
        self._bytes = 0

    def moved(self, count: int) -> None:
        """Some bytes have come.

        Raises:
            RemoteError: there were too few in the last window.
        """
        self._bytes += count
        elapsed = self._clock() - self._since
        if elapsed < self._patience.window:
            return
        if self._bytes < self._patience.slowest * elapsed:
            raise RemoteError(
                f"{self._who} sent {self._bytes} bytes in {elapsed:.0f} s: given up; try again "
                "when the network or the registry is well"
            )
        self._since, self._bytes = self._clock(), 0


def pause(patience: Patience, failed: int, retry_after: str | None) -> float:
    """Seconds to wait after that many failures, given what the answer asked for."""
    own = min(patience.first_pause * 2.0 ** (failed - 1), patience.longest_pause)
    return own if retry_after is None else max(own, _seconds(retry_after))


def _seconds(retry_after: str) -> float:
    """`Retry-After` is a number of seconds or a date; anything else is none."""
    if retry_after.strip().isascii() and retry_after.strip().isdigit():
        return float(retry_after.strip()[:9])
    try:
        when = parsedate_to_datetime(retry_after)
    except (ValueError, TypeError):
        return 0.0
    when = when if when.tzinfo is not None else when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())
