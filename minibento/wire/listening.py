"""A socket in the file system that only this user reaches; knows neither loops nor messages."""

import os
import socket
from pathlib import Path

from minibento.errors import UsageError

__all__ = ["listening"]

# The kernel's sun_path, less its final zero.
_MOST_PATH_BYTES = 107
_BACKLOG = 128


def listening(path: Path) -> socket.socket:
    """A socket that listens at `path`, for this user alone.

    Raises:
        UsageError: the path is too long for a socket.
        OSError: nothing can be made there; something is there already.
    """
    length = len(os.fsencode(path))
    if length > _MOST_PATH_BYTES:
        raise UsageError(
            f"{path} has {length} bytes, and a socket's path may have {_MOST_PATH_BYTES}: "
            f"set MINIBENTO_RUN_DIR to a shorter one"
        )
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        made.bind(os.fspath(path))
        # Nobody can connect before it listens, so there is no moment of a wider mode.
        path.chmod(0o600)
        made.listen(_BACKLOG)
    except BaseException:
        made.close()
        raise
    return made
