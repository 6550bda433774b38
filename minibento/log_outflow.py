"""The descriptor that a log is written to, where nobody may be reading; knows no events.

A pipe whose reader has stopped takes 64 KiB, and then holds up whoever writes to it: an event loop,
or the supervisor of all. Making standard output itself non-blocking would do the same to everybody
who shares it, such as the shell. So a pipe or terminal is opened once more, and a socket is told so
with each message.
"""

import os
import socket
import stat
import time
from contextlib import suppress
from select import POLLOUT, poll

__all__ = ["Outflow"]

# That a reader who takes nothing may hold up a write; one that is only slow gets everything.
_PATIENCE_SECONDS = 0.25


class Outflow:
    """Writes whole messages, or tells that there was no room.

    Args:
        descriptor: A file, pipe, terminal or socket; it is not closed here.
    """

    def __init__(self, descriptor: int) -> None:
        self._given = self._descriptor = descriptor
        self._socket: socket.socket | None = None
        mode = os.fstat(descriptor).st_mode
        # A file that is opened once more would be written from its beginning.
        if stat.S_ISSOCK(mode):
            self._socket = socket.socket(fileno=os.dup(descriptor))
        elif stat.S_ISFIFO(mode) or os.isatty(descriptor):
            with suppress(OSError):  # no /proc, or another user's
                flags = os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
                self._descriptor = os.open(f"/proc/self/fd/{descriptor}", flags)
        self._room = poll()
        self._room.register(self._descriptor, POLLOUT)
        self._stuck = self._torn = False

    def close(self) -> None:
        """Write no more; who reads a pipe learns that nobody writes to it."""
        if self._socket is not None:
            self._socket.close()
        elif self._descriptor != self._given:
            os.close(self._descriptor)

    def has_room(self, within: float = 0.0) -> bool:
        """Whether something can be written, or can be in so many seconds."""
        return bool(self._room.poll(1000 * within))

    def write(self, message: bytes) -> bool:
        """Write it as a whole; False: nobody takes it.

        After a message that was not taken nothing is waited for, until there is room again.

        Raises:
            OSError: it cannot be written at all.
        """
        left = memoryview(b"\n" + message if self._torn else message)
        patience = 0.0 if self._stuck else _PATIENCE_SECONDS
        until = time.monotonic() + patience
        while left:
            if not self.has_room(max(0.0, until - time.monotonic())):
                self._stuck = True
                return False
            with suppress(BlockingIOError):  # others have taken the room meanwhile
                left = left[self._write(left) :]
                self._torn = bool(left)
                until = time.monotonic() + patience
        self._stuck = False
        return True

    def _write(self, data: memoryview) -> int:
        if self._socket is not None:
            return self._socket.send(data, socket.MSG_DONTWAIT)
        return os.write(self._descriptor, data)
