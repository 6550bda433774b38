"""Learns how many arrivals follow a finished batch, and how soon; knows neither cost nor queue."""

from collections.abc import Iterator
from math import frexp

__all__ = ["Returns"]

_FIRST = -11  # Spans end at powers of two: the first at 2**-12 s = 0.24 ms,
_SPANS = 10  # the last at 2**-3 s = 125 ms; what comes later follows nothing.
_ENDS = tuple(2.0 ** (_FIRST - 1 + span) for span in range(_SPANS))
_HORIZON = _ENDS[-1]
_KEEP = 0.9  # Weight left to a finish when the next is counted: the last 10 or so decide.


class Returns:
    """Arrivals in each span after a finish, as a share of the items that the finish answered.

    In a closed loop the share reaches one as fast as the callers turn round; in an open one it is
    the arrival rate. Both are what will be in the queue if the worker waits.
    """

    __slots__ = ("_answered", "_arrived", "_came", "_counts", "_cycles", "_finish", "_items", "_of")

    def __init__(self) -> None:
        self._finish = float("-inf")
        self._answered = 0
        self._arrived = 0  # Since the last finish, within the horizon.
        self._counts = [0] * _SPANS
        self._came = [0.0] * _SPANS  # Fading sums over finishes: arrivals in the span ...
        self._items = 0.0  # Fading sums of items answered ...
        self._cycles = 0.0  # ... and of the seconds from one finish to the next.
        self._of = [0.0] * _SPANS  # ... and items answered by the finishes that saw its end.

    def arrived(self, now: float, count: int) -> None:
        """`count` items arrived."""
        since = now - self._finish
        if since < _HORIZON:
            span = frexp(since)[1] - _FIRST + 1 if since else 0
            self._counts[span if span > 0 else 0] += count
            self._arrived += count

    def finished(self, now: float, count: int) -> None:
        """A batch that answered `count` items finished; what followed the one before is counted."""
        since = now - self._finish
        counts, came, of, answered = self._counts, self._came, self._of, self._answered
        if answered:
            self._items = _KEEP * self._items + count
            self._cycles = _KEEP * self._cycles + since
            for span, end in enumerate(_ENDS):
                if end > since:  # Cut short: says nothing of what would have come.
                    break
                came[span] = _KEEP * came[span] + counts[span]
                of[span] = _KEEP * of[span] + answered
        self._counts = [0] * _SPANS
        self._arrived = 0
        self._finish = now
        self._answered = count

    def ahead(self, now: float) -> Iterator[tuple[float, float]]:
        """(time, how many more will have come back by then), for the end of each span to come.

        Only what comes above the steady stream counts: waiting for a steady stream gains nothing,
        as it brings as much during the next batch.
        """
        since = now - self._finish
        if since >= _HORIZON or not self._cycles:
            return
        rate = self._items / self._cycles
        back = 0.0
        for span, end in enumerate(_ENDS):
            of = self._of[span]
            if not of:
                return
            back += self._answered * self._came[span] / of
            if end > since:
                yield self._finish + end, max(0.0, min(back - rate * end, back - self._arrived))
