"""What a supervisor and its children say to each other: JSON documents, each with a length before.

Knows no meaning of any document. Descriptors travel with a document, to a reader that blocks only:
event loops drop them silently.
"""

import asyncio
import json
import socket
import struct
from collections.abc import Callable, Sequence
from typing import Any

from minibento.wire.descriptors import receive_with

__all__ = ["Control", "receive", "send"]

Document = dict[str, Any]

_LENGTH = struct.Struct("!I")
# A document with more bytes than this is none of ours.
_MOST_BYTES = 256 * 1024 * 1024
_MOST_DESCRIPTORS = 8


def send(channel: socket.socket, document: Document, descriptors: Sequence[int] = ()) -> None:
    """Send a document, blocking until the kernel has taken it. Raises OSError."""
    data = _packed(document)
    sent = socket.send_fds(channel, [data], list(descriptors)) if descriptors else 0
    channel.sendall(data[sent:])


def receive(channel: socket.socket) -> tuple[Document, list[int]]:
    """Wait for the next document and its descriptors, which no program of user code inherits.

    Raises:
        EOFError: the other end has gone.
    """
    head = b""
    descriptors: list[int] = []
    while len(head) < _LENGTH.size:
        data, found, _ = receive_with(channel, _LENGTH.size - len(head), _MOST_DESCRIPTORS)
        descriptors += found
        if not data:
            raise EOFError
        head += data
    (length,) = _LENGTH.unpack(head)
    body = bytearray()
    while len(body) < length:
        data = channel.recv(min(length - len(body), 1 << 20))
        if not data:
            raise EOFError
        body += data
    document: Document = json.loads(bytes(body))
    return document, descriptors


class Control:
    """One end of a control connection on an event loop.

    Args:
        channel: A connected stream socket; it is closed with this.
        received: Called with each document that arrives.
        lost: Called once when the other end has gone.
    """

    def __init__(
        self,
        channel: socket.socket,
        received: Callable[[Document], None],
        lost: Callable[[], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._channel = channel
        self._received = received
        self._lost = lost
        self._arrived = bytearray()
        self._leaving = bytearray()
        channel.setblocking(False)
        self._loop.add_reader(channel.fileno(), self._readable)

    @property
    def closed(self) -> bool:
        """Whether nothing can be said any more."""
        return self._channel.fileno() < 0

    def send(self, document: Document) -> None:
        """Send a document when the socket takes it; nothing once the connection is closed."""
        if self.closed:
            return
        self._leaving += _packed(document)
        self._writable()

    def send_with(self, document: Document, descriptors: Sequence[int]) -> None:
        """Send a document whose beginning, with the descriptors, leaves now.

        Raises:
            OSError: the other end has gone, or does not read what was sent before.
        """
        if self._leaving:
            raise BlockingIOError("what was sent before has not been read")
        data = _packed(document)
        sent = socket.send_fds(self._channel, [data], list(descriptors))
        self._leaving += data[sent:]
        self._writable()

    def drain(self) -> None:
        """Read what a process has said before it ended."""
        while not self.closed and self._readable():
            pass

    def close(self) -> None:
        """End the connection; `lost` is not called."""
        if not self.closed:
            self._loop.remove_reader(self._channel.fileno())
            self._loop.remove_writer(self._channel.fileno())
            self._channel.close()

    def _readable(self) -> bool:
        """Take what has arrived; False: nothing has."""
        try:
            data = self._channel.recv(1 << 18)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError:
            data = b""
        if not data:
            self.close()
            self._lost()
            return False
        self._arrived += data
        while (document := self._next()) is not None:
            self._received(document)
        return True

    def _next(self) -> Document | None:
        if len(self._arrived) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack_from(self._arrived)
        end = _LENGTH.size + length
        if len(self._arrived) < end:
            return None
        document: Document = json.loads(self._arrived[_LENGTH.size : end])
        del self._arrived[:end]
        return document

    def _writable(self) -> None:
        try:
            sent = self._channel.send(self._leaving)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError:  # it will be read as lost
            self._leaving.clear()
            sent = 0
        del self._leaving[:sent]
        if self._leaving:
            self._loop.add_writer(self._channel.fileno(), self._writable)
        else:
            self._loop.remove_writer(self._channel.fileno())


def _packed(document: Document) -> bytes:
    body = json.dumps(document).encode()
    assert len(body) < _MOST_BYTES
    return _LENGTH.pack(len(body)) + body
