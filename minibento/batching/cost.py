"""Learns what a batch of n costs, a + b*n seconds; knows neither queue nor clock."""

__all__ = ["Cost"]

_MEMORY = 0.05  # Weight of the newest batch: the last 20 or so decide.
_SPREAD = 0.2  # The slope is fitted where n deviates from its mean by this share of it.
_STALL = 4.0  # A batch that took longer than this many times its prediction counts as that long.
_ENDLESS = 2**31  # What fits where an item costs nothing.


class Cost:
    """Seconds of a batch as `fixed + each * n`, fitted on the fly, old batches fading out.

    Where the sizes do not vary there is nothing to learn a slope from: the slope known so far
    stays and only the level moves. A single stalled batch (a page fault, a garbage collection)
    moves it by little; a lasting change is followed within about 20 batches.
    """

    __slots__ = (
        "_covariance",
        "_mean_n",
        "_mean_seconds",
        "_seen",
        "_stalled",
        "_variance",
        "each",
        "fixed",
        "largest",
    )

    def __init__(self) -> None:
        self.fixed = 0.0
        self.each = 0.0
        self.largest = 0
        """The largest batch seen; predictions hold up to twice it."""
        self._seen = 0
        self._stalled = False
        self._mean_n = 0.0
        self._mean_seconds = 0.0
        self._variance = 0.0
        self._covariance = 0.0

    def of(self, count: int) -> float:
        """Predicted seconds of a batch of `count`; 0 before anything was seen."""
        return self.fixed + self.each * count

    def fitting(self, seconds: float) -> int:
        """The largest batch that computes within `seconds`, at least 1."""
        if not self.each:
            return _ENDLESS
        return int(max(1.0, min(_ENDLESS, (seconds - self.fixed) / self.each + 1e-9)))

    def observe(self, count: int, seconds: float) -> None:
        """Take in one batch of `count` items that computed for `seconds`."""
        most = _STALL * self.of(count)
        # One slow batch is a stall, the second in a row a change. Two draw the line to judge by.
        self._stalled = self._seen >= 2 and seconds > most and not self._stalled
        if self._stalled:
            seconds = most
        self._seen += 1
        self.largest = max(self.largest, count)
        weight = max(_MEMORY, 1.0 / self._seen)
        from_mean_n = count - self._mean_n
        from_mean_seconds = seconds - self._mean_seconds
        self._mean_n += weight * from_mean_n
        self._mean_seconds += weight * from_mean_seconds
        keep = 1.0 - weight
        self._variance = keep * (self._variance + weight * from_mean_n * from_mean_n)
        self._covariance = keep * (self._covariance + weight * from_mean_n * from_mean_seconds)
        self._fit()

    def _fit(self) -> None:
        mean_n = self._mean_n
        if self._variance > (_SPREAD * mean_n) ** 2:
            self.each = max(0.0, self._covariance / self._variance)
        fixed = self._mean_seconds - self.each * mean_n
        if fixed < 0.0:  # Noise: no batch costs less than its items.
            fixed, self.each = 0.0, self._mean_seconds / mean_n
        self.fixed = fixed
