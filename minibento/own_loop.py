"""The event loop that something was started on, and whether its caller is there; knows no more."""

import asyncio
from threading import get_ident

__all__ = ["OwnLoop"]


class OwnLoop:
    """The loop running where this is made.

    Attributes:
        loop: That loop.
    """

    __slots__ = ("_thread", "loop")

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._thread = get_ident()

    def is_here(self) -> bool:
        """Whether the code that asks runs on it.

        Asked for each request: `asyncio.get_running_loop` makes a system call each time on
        Python 3.11 (it looks for a fork by getpid), which costs more than routing the request.
        """
        return self._thread == get_ident() and self.loop.is_running()
