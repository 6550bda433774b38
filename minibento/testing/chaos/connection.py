"""One HTTP/1.1 connection that carries one request at a time; knows no schedule."""

import asyncio

import httptools

__all__ = ["Connection", "encode"]


def encode(path: str, body: bytes, host: str = "127.0.0.1") -> bytes:
    """The bytes of a POST of JSON."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Connection(asyncio.Protocol):
    """Ask, await the answer, ask again.

    Attributes:
        usable: Whether another request can be sent over it.
    """

    def __init__(self) -> None:
        self.usable = False
        self._parser = httptools.HttpResponseParser(self)
        self._body = bytearray()
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Send a request; status and body of the answer.

        Raises:
            ConnectionResetError: the connection ended before there was a whole answer.
        """
        assert self._answer is None, "one request at a time"
        if not self.usable or self._transport is None:
            raise ConnectionResetError
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        try:
            return await self._answer
        finally:
            self._answer = None

    def close(self) -> None:
        """Drop it without waiting for anything."""
        self.usable = False
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The loop: connected."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.usable = True

    def data_received(self, data: bytes) -> None:
        """The loop: bytes came."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the loop's protocol
        """The loop: it is over, whoever ended it."""
        self.usable = False
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionResetError())

    def on_body(self, body: bytes) -> None:
        """The parser: a piece of the answer's body."""
        self._body += body

    def on_message_complete(self) -> None:
        """The parser: the answer is whole."""
        body = bytes(self._body)
        self._body.clear()
        keeps = self._parser.should_keep_alive()
        if self._answer is not None and not self._answer.done():
            self._answer.set_result((self._parser.get_status_code(), body))
        if not keeps:
            self.close()
