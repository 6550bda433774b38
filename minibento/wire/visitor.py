"""A caller that has connected and not said hello: waited for on the loop, not for ever."""

import asyncio
import socket
from collections.abc import Callable

from minibento.errors import ProtocolError
from minibento.wire.handshake import HELLO, Greeting, Shared
from minibento.wire.peer import warn_closed

__all__ = ["Visitor"]

_HELLO_SECONDS = 5.0


class Visitor:
    """A half-open connection: exactly one of its two callbacks is called, once.

    Args:
        loop: Where it is waited for.
        accepted: The connected socket; it is closed here unless the caller is greeted.
        greeted: Called when the caller has said hello, with the memory that came with it.
        left: Called when there will be no hello.

    Attributes:
        socket: The connection.
        waits: Whether neither has been called.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        accepted: socket.socket,
        greeted: Callable[["Visitor", Shared], None],
        left: Callable[["Visitor"], None],
    ) -> None:
        self.socket = accepted
        self.waits = True
        self._loop = loop
        self._greeted = greeted
        self._left = left
        self._greeting = Greeting()
        accepted.setblocking(False)
        self._timer = loop.call_later(_HELLO_SECONDS, self._late)
        loop.add_reader(accepted, self._read)

    def last_chance(self) -> None:
        """Read what has come; close the connection if there is no whole hello in it."""
        self._read()
        if self.waits:
            warn_closed("a caller has said no hello, and too many others wait")
            self.dismiss()

    def dismiss(self) -> None:
        """Close the connection."""
        self._stop()
        self.socket.close()
        self._left(self)

    def _stop(self) -> None:
        self.waits = False
        self._timer.cancel()
        self._loop.remove_reader(self.socket)
        self._greeting.close()

    def _late(self) -> None:
        warn_closed(f"a caller has not said hello within {_HELLO_SECONDS:g} s")
        self.dismiss()

    def _read(self) -> None:
        try:
            if not self._greeting.read(self.socket):
                return
            shared = self._greeting.take_up()
        except ProtocolError as error:
            warn_closed(error)
            self.dismiss()
        except OSError:  # it has left again
            self.dismiss()
        else:
            self._answer(shared)

    def _answer(self, shared: Shared) -> None:
        try:
            self.socket.send(HELLO)  # a fresh socket has room for it
        except OSError:  # it has left again
            shared.close()
            self.dismiss()
        else:
            self._stop()
            self._greeted(self, shared)
