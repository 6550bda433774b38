"""Learns how many callers come back after a finished batch, and how soon; knows no cost."""

from bisect import bisect_right
from collections.abc import Iterator

__all__ = ["Returns"]

# Spans after a finish end at these seconds: 0.24 ms to 125 ms, two to a doubling.
_ENDS = tuple(2.0 ** (half / 2) for half in range(-24, -5))
_KEEP = 0.9  # Weight left to a finish when the next is counted: the last 10 or so decide.
_DOUBT = 1.0  # Answers that nobody followed, assumed from the start: one coincidence is no pattern.


class Returns:
    """Arrivals in each span after a finish, as a share of the items that the finish answered.

    In a closed loop, callers answered together come back together and the share reaches one as
    fast as they turn round. In an open one it is no more than the steady stream brings.
    """

    __slots__ = (
        "_answered",
        "_arrived",
        "_came",
        "_counts",
        "_finish",
        "_items",
        "_of",
        "_seconds",
    )

    def __init__(self) -> None:
        self._finish = float("-inf")
        self._answered = 0  # By the last finish.
        self._arrived = 0  # Since then, and in each span after it, the last open-ended.
        self._counts = [0] * (len(_ENDS) + 1)
        # Fading sums over finishes: arrivals in each span, items answered by those finishes
        # after which the worker was still seen at the span's end, all arrivals, all seconds.
        self._came = [0.0] * len(_ENDS)
        self._of = [0.0] * len(_ENDS)
        self._items = 0.0
        self._seconds = 0.0

    def arrived(self, now: float, count: int) -> None:
        """`count` items arrived."""
        self._counts[bisect_right(_ENDS, now - self._finish)] += count
        self._arrived += count

    def finished(self, now: float, count: int) -> None:
        """A batch of `count` is answered; what followed the one before it is learned."""
        if self._answered:
            self._learn(now - self._finish)
        self._counts = [0] * (len(_ENDS) + 1)
        self._arrived = 0
        self._finish = now
        self._answered = count

    def _learn(self, seconds: float) -> None:
        answered, counts, came, of = self._answered, self._counts, self._came, self._of
        # A span cut short by the next finish says nothing of what would have come.
        for span in range(bisect_right(_ENDS, seconds)):
            came[span] = _KEEP * came[span] + counts[span]
            of[span] = _KEEP * of[span] + answered
        self._items = _KEEP * self._items + self._arrived
        self._seconds = _KEEP * self._seconds + seconds

    def ahead(self, now: float) -> Iterator[tuple[float, float, float]]:
        """(time, above, back) for the end of each span to come.

        `back` is how many more will have come back by that time, `above` how many of them a
        steady stream of the same rate would not have brought.
        """
        since = now - self._finish
        if since >= _ENDS[-1] or not self._seconds:
            return
        rate = self._items / self._seconds
        back = 0.0
        for end, came, of in zip(_ENDS, self._came, self._of, strict=True):
            if not of:
                return
            back += self._answered * came / (of + _DOUBT)
            if end > since:
                more = max(0.0, back - self._arrived)
                yield self._finish + end, min(more, back - rate * end), more
