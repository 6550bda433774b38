"""How long a dead worker's successor waits: a pure function of the deaths; knows no process."""

from collections import deque

__all__ = ["Backoff"]

_STEPS = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
# So many deaths in so many seconds are no accidents, whatever the worker answered in between.
_MANY, _WINDOW = 5, 10.0
# A worker that died computing had started well, and dies again only if it is given an item like
# that: who sends those, each another, must not keep the good ones waiting for longer than this.
_COMPUTING_SECONDS = 0.1


class Backoff:
    """The pauses of one worker slot: none after an accident, longer where starting does not help.

    A death counts as a failure if the worker answered nothing before it, or if it is one of more
    than 5 within 10 s. While it computed, an item may be to blame: those pauses stay short.

    Args:
        most: Seconds that a pause may last.
    """

    def __init__(self, most: float = _STEPS[-1]) -> None:
        self.failures = 0
        self._most = most
        self._deaths: deque[float] = deque(maxlen=_MANY + 1)

    def died(self, now: float, *, answered: bool, computing: bool = False) -> float:
        """Seconds until the next start."""
        self._deaths.append(now)
        often = len(self._deaths) > _MANY and now - self._deaths[0] < _WINDOW
        if answered and not often:
            self.failures = 0
            return 0.0
        most = min(_COMPUTING_SECONDS, self._most) if computing else self._most
        pause = min(_STEPS[min(self.failures, len(_STEPS) - 1)], most)
        self.failures += 1
        return pause
