"""One keep-alive HTTP/1.1 connection that carries one request at a time; knows no schedule."""

import asyncio
from collections.abc import Callable
from typing import cast

import httptools

__all__ = ["Connection", "encode"]


def encode(path: str, body: bytes, *headers: str) -> bytes:
    """The bytes of a POST of JSON; `headers` are whole lines."""
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *headers,
    ]
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode() + body


class Connection(asyncio.Protocol):
    """Calls `answered(self, status, body, reusable)`, and `lost(self)` when the peer leaves."""

    def __init__(
        self,
        answered: Callable[["Connection", int, bytes, bool], None],
        lost: Callable[["Connection"], None],
    ) -> None:
        self._answered = answered
        self._lost = lost
        self._parser = httptools.HttpResponseParser(self)
        self._body = bytearray()
        self._transport: asyncio.Transport | None = None
        self.index = -1  # of the request under way; -1: idle

    @property
    def connected(self) -> bool:
        """Whether the peer is still there, as far as is known."""
        return self._transport is not None

    def send(self, index: int, request: bytes) -> None:
        """Send request number `index`; the one before must have been answered."""
        assert self.index < 0, "one request at a time"
        assert self._transport is not None, "not connected yet"
        self.index = index
        self._transport.write(request)

    def close(self) -> None:
        """Drop the connection without waiting for an answer."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: connected."""
        # uvloop's transport is one in all but name, so isinstance would refuse it.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """asyncio: bytes came."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- asyncio's signature
        """asyncio: the peer closed, or it broke."""
        self._transport = None
        self._lost(self)

    def on_body(self, body: bytes) -> None:
        """httptools: a piece of the answer's body."""
        self._body += body

    def on_message_complete(self) -> None:
        """httptools: the answer is whole."""
        if self.index < 0:  # an answer nobody asked for, such as 408 before a close
            self.close()
            return
        body = bytes(self._body)
        self._body.clear()
        keep = self._parser.should_keep_alive()
        self._answered(self, self._parser.get_status_code(), body, keep)
        if not keep:
            self.close()
