"""The one timer of a connection; knows no deadline.

Most deadlines move on with every request. So it is not set anew with them: it goes off, and who it
wakes looks whether it was too early.

A loop that has stood still, in a process that was paused or in code that blocks, looks at its
timers first. What has come meanwhile came in time, and is read before anybody is woken.
"""

import asyncio
import math
from collections.abc import Callable

__all__ = ["Alarm"]

# Later than this it goes off only if the loop has stood still.
_LATE_SECONDS = 0.1
# To the loop's next turn. With none at all, uvloop would not read before.
_TURN_SECONDS = 0.001


class Alarm:
    """Calls `wake` with the time, once after each time that it was set.

    Args:
        loop: Whose time it is.
        wake: What is called; held until it is cancelled.
    """

    __slots__ = ("_has_read", "_loop", "_timer", "_wake", "_when")

    def __init__(self, loop: asyncio.AbstractEventLoop, wake: Callable[[float], None]) -> None:
        self._loop = loop
        self._wake: Callable[[float], None] | None = wake
        self._when = math.inf
        self._timer: asyncio.TimerHandle | None = None
        self._has_read = False

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
        now, when = self._loop.time(), self._when
        self._when, self._timer = math.inf, None
        if now - when > _LATE_SECONDS and not self._has_read:
            self._has_read = True
            self.at(now + _TURN_SECONDS)
            return
        self._has_read = False
        if self._wake is not None:
            self._wake(now)
