"""Cancels one call at its deadline, or when its caller has gone; knows no routes and no bodies."""

import asyncio
import time
from typing import Literal

from starlette.types import Receive

__all__ = ["Watch"]

# A call that lasts longer than this is worth a task that listens whether its caller is still
# there; most are over by then and pay for one timer only.
_LISTEN_AFTER = 0.05
_TIMER_SLACK = 0.001


class Watch:
    """Set before a call is awaited, closed in `finally`.

    Attributes:
        reason: Why the task was cancelled; None: it was not, by this watch.
    """

    __slots__ = ("_deadline", "_listener", "_loop", "_receive", "_task", "_timer", "reason")

    def __init__(
        self, loop: asyncio.AbstractEventLoop, deadline: float, left: float, receive: Receive
    ) -> None:
        self._loop = loop
        self._deadline = deadline
        self._receive = receive
        self._task = asyncio.current_task(loop)
        self._listener: asyncio.Task[None] | None = None
        self.reason: Literal["deadline", "gone"] | None = None
        self._timer = loop.call_later(min(left, _LISTEN_AFTER), self._tick)

    def close(self) -> None:
        """End watching; must be called whatever happened."""
        self._timer.cancel()
        if self._listener is not None:
            self._listener.cancel()

    def excuses(self) -> bool:
        """Whether the cancellation just caught was this watch's and nobody else's."""
        return self.reason is not None and self._task is not None and self._task.uncancel() == 0

    def _tick(self) -> None:
        left = self._deadline - time.monotonic()
        if left <= _TIMER_SLACK:
            self._end("deadline")
            return
        if self._listener is None:
            self._listener = self._loop.create_task(self._listen())
        self._timer = self._loop.call_later(left, self._tick)

    async def _listen(self) -> None:
        # Once: whoever answers anything else after the body would be asked for ever.
        if (await self._receive())["type"] == "http.disconnect":
            self._end("gone")

    def _end(self, reason: Literal["deadline", "gone"]) -> None:
        if self.reason is None and self._task is not None:
            self.reason = reason
            self._task.cancel()
