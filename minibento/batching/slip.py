"""Learns how much later than predicted answers come; knows neither queue nor clock."""

__all__ = ["Slip"]

# Weights of the newest error as for round trips in TCP (RFC 6298, section 2). But a deviation is
# only what was later than the mean: what comes early, as after a first call that imports, needs
# nothing added. And three instead of four: what comes a little late is not sent again.
_MEAN, _DEVIATION, _DEVIATIONS = 1 / 8, 1 / 4, 3


class Slip:
    """The error of a prediction, fading: its mean, and its mean deviation upwards."""

    __slots__ = ("_deviation", "_mean")

    def __init__(self) -> None:
        self._mean = 0.0
        self._deviation = 0.0

    @property
    def seconds(self) -> float:
        """What to add to a prediction so that most answers come by then."""
        return max(0.0, self._mean + _DEVIATIONS * self._deviation)

    def observe(self, seconds: float) -> None:
        """An answer came so much later than predicted, or earlier if below 0."""
        self._deviation += _DEVIATION * (max(0.0, seconds - self._mean) - self._deviation)
        self._mean += _MEAN * (seconds - self._mean)
