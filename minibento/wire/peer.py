"""Whether the process at the other end of a lost connection has ended; knows no messages."""

import asyncio
import errno
import os
from collections.abc import Callable

__all__ = ["when_ended"]

# A process closes what it has open just before its end; a loaded machine may hold that up.
_END_SECONDS = 1.0
# It has ended; or this cannot be asked, by an old kernel or in a container: most connections that
# are lost are lost by that.
_ENDED = (errno.ESRCH, errno.ENOSYS, errno.EPERM)


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
