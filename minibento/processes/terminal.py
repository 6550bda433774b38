"""Whose turn it is to read from the terminal; knows no debugger and no supervisor.

A terminal has one foreground process group, which reads from it and gets its Ctrl-C. A server's
children are in groups of their own: one of them that is to read must be lent the terminal.
"""

import os
import signal
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress

__all__ = ["Terminal"]


class Terminal:
    """The controlling terminal of this process, as it was when it was opened.

    Attributes:
        descriptor: Open for reading and writing.
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._group = os.tcgetpgrp(descriptor)
        self._modes = termios.tcgetattr(descriptor)

    @classmethod
    def controlling(cls) -> "Terminal | None":
        """That of this process; None: it has none, as under systemd or in a container."""
        try:
            descriptor = os.open("/dev/tty", os.O_RDWR | os.O_CLOEXEC | os.O_NOCTTY)
        except OSError:
            return None
        try:
            return cls(descriptor)
        except (OSError, termios.error):
            os.close(descriptor)
            return None

    def close(self) -> None:
        """Close the descriptor."""
        os.close(self.descriptor)

    def belongs_to(self, group: int) -> bool:
        """Whether the process group reads from it now, or one does that has ended."""
        now = os.tcgetpgrp(self.descriptor)
        return now == group or not _lives(now)

    def take(self) -> None:
        """Read from it with this process's group from now on."""
        self._hand_to(os.getpgrp())

    def give_back(self, group: int) -> None:
        """Let that group read from it, with the modes as they were when it was opened."""
        self._hand_to(group)
        with _unstopped(), suppress(OSError, termios.error):
            termios.tcsetattr(self.descriptor, termios.TCSADRAIN, self._modes)

    def reclaim(self, group: int) -> None:
        """Take it back from a child's process group that ended while it had it; else nothing.

        For the process whose group had it when it was opened.
        """
        if self._group == os.getpgrp() and os.tcgetpgrp(self.descriptor) == group:
            self.give_back(self._group)

    def _hand_to(self, group: int) -> None:
        with _unstopped(), suppress(OSError):  # a group that has ended, a terminal that hung up
            os.tcsetpgrp(self.descriptor, group)


@contextmanager
def _unstopped() -> Iterator[None]:
    """Not be stopped for changing a terminal from the background; works on every thread."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
