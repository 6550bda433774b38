"""How long something usually takes; knows not what."""

from collections.abc import Callable
from threading import Lock
from time import monotonic
from typing import ParamSpec, TypeVar

from minibento.batching.slip import Slip

__all__ = ["Duration"]

P = ParamSpec("P")
T = TypeVar("T")
# Weight of the newest.
_NEWEST = 1 / 16


class Duration:
    """The mean, fading, and how wrong that was; may be told and asked on any thread.

    Attributes:
        mean: Seconds; 0: nothing is known.
    """

    def __init__(self) -> None:
        self.mean = 0.0
        self._slip = Slip()
        self._lock = Lock()

    @property
    def seconds(self) -> float:
        """What most take at the longest; 0: nothing is known."""
        return self.mean + self._slip.seconds

    def observe(self, seconds: float) -> None:
        """One took so long."""
        with self._lock:
            if self.mean:
                self._slip.observe(seconds - self.mean)
                self.mean += _NEWEST * (seconds - self.mean)
            else:
                self.mean = seconds

    def timed(self, run: Callable[P, T]) -> Callable[P, T]:
        """The same function, observed, however it ends."""

        def observed(*args: P.args, **kwargs: P.kwargs) -> T:
            begun = monotonic()
            try:
                return run(*args, **kwargs)
            finally:
                self.observe(monotonic() - begun)

        return observed
