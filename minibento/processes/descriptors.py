"""How many files and connections a process may have open; knows neither.

Many systems allow 1,024 unless somebody asks for more, and each connection is one.
"""

import errno
import logging
import os
import resource
from contextlib import suppress

__all__ = ["Shortage", "ask_for_more"]

_LOG = logging.getLogger("minibento")
# More is of use to nobody, and programs that models start may close each that could be open.
_ENOUGH = 65_536


def ask_for_more() -> None:
    """Let this process and its children have as many as they are allowed, within reason."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _ENOUGH if hard == resource.RLIM_INFINITY else min(hard, _ENOUGH)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):  # a system may allow less than it says
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class Shortage:
    """Tells the log when none is left, and when there are some again.

    The event loop's library accepts a connection it has no descriptor for and closes it at once,
    without a word to anybody.
    """

    def __init__(self) -> None:
        self._told = False

    def look(self) -> None:
        """To be called again and again; costs next to nothing."""
        try:
            os.close(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
        except OSError as error:
            if not self._told and error.errno in {errno.EMFILE, errno.ENFILE}:
                self._told = True
                most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
                _LOG.error(
                    "no descriptor is free, so that new connections are closed without an answer: "
                    "%s; this process may have %d, which ulimit -n or LimitNOFILE= sets",
                    error.strerror,
                    most,
                )
        else:
            if self._told:
                self._told = False
                _LOG.warning("descriptors are free again: new connections are answered")
