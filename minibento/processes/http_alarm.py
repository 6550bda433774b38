"""The one timer of a connection; knows no deadline.

Most deadlines move on with every request. So it is not set anew with them: it goes off, and who it
wakes looks whether it was too early.
"""

import asyncio
import math
from collections.abc import Callable

__all__ = ["Alarm"]


class Alarm:
    """Calls `wake` with the time, once after each time that it was set.

    Args:
        loop: Whose time it is.
        wake: What is called; held until it is cancelled.
    """

    __slots__ = ("_loop", "_timer", "_wake", "_when")

    def __init__(self, loop: asyncio.AbstractEventLoop, wake: Callable[[float], None]) -> None:
        self._loop = loop
        self._wake: Callable[[float], None] | None = wake
        self._when = math.inf
        self._timer: asyncio.TimerHandle | None = None

    def at(self, when: float) -> None:
        """Go off then at the latest."""
        if when >= self._when:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._when = when
        self._timer = self._loop.call_at(when, self._go_off)

    def cancel(self) -> None:
        """Never go off any more, and hold nobody."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._wake = None

    def _go_off(self) -> None:
        self._when, self._timer = math.inf, None
        if self._wake is not None:
            self._wake(self._loop.time())
