"""The process at the other end: whether it may connect, and has ended; knows no messages.

The supervisor asks too, who loads nothing heavy.
"""

import asyncio
import errno
import logging
import os
import socket
from collections.abc import Callable
from struct import Struct

__all__ = ["is_ours", "warn_closed", "when_ended"]

_LOG = logging.getLogger("minibento")
# Process, user and group of the other end.
_CREDENTIALS = Struct("3i")

# A process closes what it has open just before its end; a loaded machine may hold that up.
_END_SECONDS = 1.0
# It has ended; or this cannot be asked, by an old kernel or in a container: most connections that
# are lost are lost by that.
_ENDED = (errno.ESRCH, errno.ENOSYS, errno.EPERM)


def warn_closed(why: object) -> None:
    """The one line that the log has for a connection that is given up."""
    _LOG.warning("a connection between processes is closed: %s", why)


def is_ours(accepted: socket.socket) -> bool:
    """Whether this process's user has connected: a file's mode may have been changed."""
    found = accepted.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, user, _ = _CREDENTIALS.unpack(found)
    if user != os.geteuid():
        warn_closed(f"user {user} has connected, only {os.geteuid()} may")
    return bool(user == os.geteuid())


def when_ended(pid: int, tell: Callable[[bool], None]) -> None:
    """Tell, on the running loop, whether the process has ended: as soon as it has, or in a second.

    Args:
        pid: To be asked right after the loss, while no other process can have that number.
    """
    loop = asyncio.get_running_loop()
    try:
        descriptor = os.pidfd_open(pid)
    except OSError as error:
        tell(error.errno in _ENDED)
        return

    def over(ended: bool) -> None:
        timer.cancel()
        loop.remove_reader(descriptor)
        os.close(descriptor)
        tell(ended)

    timer = loop.call_later(_END_SECONDS, over, False)
    loop.add_reader(descriptor, over, True)
