"""The way out of a connection, as the answer to a request sees it; knows no request."""

import asyncio
from typing import Protocol

__all__ = ["Outlet"]

# A larger body is not copied to leave together with its head.
_MOST_JOINED = 2**16


class Connection(Protocol):
    """Whose way out it is."""

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """That everything here happens on."""
        ...

    def part(self) -> None:
        """Close after an answer."""
        ...


class Outlet:
    """The transport as an answer sees it: the head leaves with the body, and to close is to part.

    uvicorn writes them one after the other, each with a system call that costs as much as all that
    we do to a small request. What no second write follows leaves at the end of the loop's turn.
    """

    __slots__ = ("_connection", "_held", "_loop", "_transport", "is_closing")

    def __init__(self, connection: Connection, transport: asyncio.Transport) -> None:
        self.is_closing = transport.is_closing
        self._connection: Connection | None = connection
        self._transport = transport
        self._loop = connection.loop
        self._held = b""

    def write(self, data: bytes) -> None:
        """Send it with what was held, or hold it for what follows."""
        if not self._held:
            self._held = data
            self._loop.call_soon(self.flush)
        elif len(data) < _MOST_JOINED:
            data, self._held = self._held + data, b""
            self._transport.write(data)
        else:
            self.flush()
            self._transport.write(data)

    def flush(self) -> None:
        """Send what is held."""
        if self._held:
            data, self._held = self._held, b""
            if not self._transport.is_closing():
                self._transport.write(data)

    def close(self) -> None:
        """Part, when all that was written is on its way."""
        self.flush()
        if self._connection is None:
            self._transport.close()
        else:
            self._connection.part()

    def end(self) -> None:
        """The connection has gone; who still holds this does not hold it."""
        self._connection = None
        self._held = b""
