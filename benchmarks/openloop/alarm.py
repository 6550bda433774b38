"""Sleeping until a moment to some 50 us; asyncio's and uvloop's own timers resolve 1 ms (Linux)."""

import asyncio
import ctypes
import os
import time

__all__ = ["Alarm"]

_CLOCK_MONOTONIC = 1
_ABSOLUTE = 1
_libc = ctypes.CDLL(None, use_errno=True)


class _TimerSpec(ctypes.Structure):
    _fields_ = [
        ("interval_seconds", ctypes.c_long),
        ("interval_nanoseconds", ctypes.c_long),
        ("seconds", ctypes.c_long),
        ("nanoseconds", ctypes.c_long),
    ]


class Alarm:
    """A timerfd on the running loop: `await alarm.until(moment)`, one waiter at a time."""

    def __init__(self) -> None:
        self._fd = _checked(_libc.timerfd_create(_CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC))
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._fd, self._ring)
        self._waiter: asyncio.Future[None] | None = None

    async def until(self, moment: float) -> None:
        """Return at `moment` of `time.monotonic()`; at once if it is past."""
        if moment <= time.monotonic():
            return
        nanoseconds = int(moment * 1e9)
        spec = _TimerSpec(0, 0, nanoseconds // 1_000_000_000, nanoseconds % 1_000_000_000)
        self._waiter = self._loop.create_future()
        _checked(_libc.timerfd_settime(self._fd, _ABSOLUTE, ctypes.byref(spec), None))
        await self._waiter

    def close(self) -> None:
        """Give the descriptor back."""
        self._loop.remove_reader(self._fd)
        os.close(self._fd)

    def _ring(self) -> None:
        os.read(self._fd, 8)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def _checked(result: int) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result
