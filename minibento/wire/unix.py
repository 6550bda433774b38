"""The transport between processes of one machine: unix sockets, with shared memory beside."""

import asyncio
import logging
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from minibento.errors import CannotCross, ProtocolError
from minibento.wire.channel import Receiver
from minibento.wire.failures import to_record
from minibento.wire.frames import FrameReader, FrameWriter
from minibento.wire.handshake import HELLO, Shared, check_hello, offer
from minibento.wire.ledger import Ledger
from minibento.wire.messages import Call, Failure, Message
from minibento.wire.peer import is_ours, warn_closed, when_ended
from minibento.wire.visitor import Visitor

__all__ = ["Listener", "UnixChannel", "connect"]

_LOG = logging.getLogger("minibento")
# With so much unsent, and nothing taken for so long, the other end has stopped reading and is given
# up. Much alone says nothing: a few large arrays at once are as much.
_MOST_UNSENT_BYTES = 256 * 2**20
_STANDSTILL_SECONDS = 5.0
# The parts of a frame before the buffers that travel in it.
_FIRST_PARTS = 3
# With so much of those the turn's messages leave at once: the transport counts them.
_MOST_HELD_BYTES = 2**20
# And with so many messages: the other end begins with them while this one is at those that follow.
# Else the two take turns, one idle while the other works off all that came in one piece.
_MOST_HELD = 12
_LAST_BYTES = 2**18
_MOST_HALF_OPEN = 16
# After this a listener that found no free descriptor tries again.
_PAUSE_SECONDS = 1.0


async def connect(path: str | Path) -> "UnixChannel":
    """The caller's end of a new connection, once the worker has said hello; waits for that.

    Raises:
        OSError: nobody listens there, too many wait there already, or the worker has left.
        ProtocolError: what answers is no worker of this version.
    """
    loop = asyncio.get_running_loop()
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    shared: Shared | None = None
    try:
        made.setblocking(False)
        # At once, or not at all: on unix sockets nothing is ever under way, and loop.sock_connect
        # would take a full backlog for that.
        made.connect(os.fspath(path))
        shared = offer(made)
        await _hello(loop, made)
    except BaseException:
        made.close()
        if shared is not None:
            shared.close()
        raise
    channel = UnixChannel(shared)
    await loop.create_unix_connection(lambda: channel, sock=made)
    return channel


async def _hello(loop: asyncio.AbstractEventLoop, connected: socket.socket) -> None:
    said = b""
    while said != HELLO:
        data = await loop.sock_recv(connected, len(HELLO) - len(said))
        if not data:
            raise ConnectionResetError("the worker left without a hello")
        said += data
        check_hello(said)


class UnixChannel(asyncio.Protocol):
    """One end of a connection between processes, on asyncio's loop or uvloop's."""

    def __init__(self, shared: Shared) -> None:
        self.ledger: Ledger = shared.ledger
        self._shared = shared
        self._frames = FrameWriter(shared.outgoing.put)
        self._reader = FrameReader(shared.incoming.take)
        self._loop = asyncio.get_running_loop()
        self._transport: Any = None
        self._outbox: list[bytes] = []
        self._held = 0
        self._written = 0
        # Bytes that the other end had taken when that was looked at, and since when.
        self._taken = (-1, 0.0)
        self._looking: asyncio.TimerHandle | None = None
        # Until somebody receives them.
        self._early: list[Message] = []
        self._receiver: Receiver = self._early.append
        self._callback: Callable[[], None] | None = None
        self._over = False
        self._gone = False

    def send(self, message: Message) -> None:
        """Send a message, with others of this turn of the loop.

        Raises:
            CannotCross: a call is too large; an answer that is becomes a Failure.
        """
        if self._over:
            return
        try:
            parts = self._frames.parts(message)
        except CannotCross as error:
            if isinstance(message, Call):
                raise
            parts = self._frames.parts(Failure(message.id, to_record(error, "")))
        except BaseException as error:
            # Buffers of it may be in the arena, where both ends must count alike.
            self._give_up(f"a message could not be sent: {error!r}")
            raise
        if not self._outbox:
            self._loop.call_soon(self._flush)
        self._outbox += parts
        if len(parts) > _FIRST_PARTS:
            self._held += sum(map(len, parts[_FIRST_PARTS:]))
        if self._held > _MOST_HELD_BYTES or len(self._outbox) >= _MOST_HELD * _FIRST_PARTS:
            self._flush()

    def receive(self, receiver: Receiver) -> None:
        """Set what is called with each message that arrives."""
        early, self._early = self._early, []
        if not self._gone:
            self._receiver = receiver
        for message in early:
            receiver(message)

    def lost(self, callback: Callable[[], None]) -> None:
        """Set what is called, once and on the loop, when the other end has gone."""
        self._callback = callback
        if self._gone:
            self._loop.call_soon(self._tell)

    def ended(self, tell: Callable[[bool], None]) -> None:
        """Once the worker is lost: tell whether its process has ended, which may take a second."""
        when_ended(self.ledger.worker, tell)

    def close(self) -> None:
        """End the connection: what was sent still leaves, nothing more arrives."""
        self._callback = None
        if not self._over:
            self._flush()
            self._over = True
            self._transport.close()
            self._shared.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The loop: the transport is there."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """The loop: bytes came."""
        try:
            for message in self._reader.feed(data):
                if self._over:
                    return
                self._receiver(message)
        except ProtocolError as error:
            self._give_up(str(error))

    def eof_received(self) -> None:
        """The loop: the other end has closed."""
        try:
            self._reader.eof()
        except ProtocolError as error:
            self._give_up(str(error))
        self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the loop's protocol
        """The loop: it is over, whoever ended it."""
        try:
            if not self._over:
                self._read_last_words()
        finally:
            # Whatever fails above, such as for want of memory: who is not told waits for ever.
            self._over = self._gone = True
            self._outbox.clear()
            self._shared.close()
            self._tell()
            # Whoever receives holds this channel too. Left to the garbage collector, which comes
            # rarely, each worker that was replaced would leave its ledger mapped for minutes.
            self._receiver = _nobody

    def _read_last_words(self) -> None:
        """Read on to the end: a write that fails ends a transport before its reads.

        An answer that was left unread would be computed again elsewhere.
        """
        descriptor = self._transport.get_extra_info("socket").fileno()
        with suppress(OSError):
            while not self._over and (data := os.read(descriptor, _LAST_BYTES)):
                self.data_received(data)

    def _flush(self) -> None:
        if self._over or not self._outbox:
            return
        leaving = b"".join(self._outbox)
        self._written += len(leaving)
        self._transport.write(leaving)
        self._outbox.clear()
        self._held = 0
        if self._looking is None and self._transport.get_write_buffer_size() > _MOST_UNSENT_BYTES:
            self._look()

    def _look(self) -> None:
        """Give the other end up once it takes nothing, whether more is sent to it or not."""
        self._looking = None
        unsent = 0 if self._over else self._transport.get_write_buffer_size()
        if unsent <= _MOST_UNSENT_BYTES:
            return
        if self._stands_still(unsent):
            self._give_up(f"the other end does not read: {unsent:,} bytes wait")
        else:
            self._looking = self._loop.call_later(_STANDSTILL_SECONDS, self._look)

    def _stands_still(self, unsent: int) -> bool:
        taken, now = self._written - unsent, self._loop.time()
        if taken != self._taken[0]:
            self._taken = (taken, now)
        return now - self._taken[1] >= _STANDSTILL_SECONDS

    def _give_up(self, why: str) -> None:
        if not self._over:
            self._over = True
            warn_closed(why)
            self._transport.abort()

    def _tell(self) -> None:
        callback, self._callback = self._callback, None
        if callback is not None:
            callback()


def _nobody(_: Message) -> None:
    """Receives what nobody waits for any more."""


class Listener:
    """The worker's end: takes each caller that connects and says hello.

    Args:
        listening: A socket from `listening`, which other processes may hold too.
        accepted: Called with the channel of each caller that has said hello.
    """

    def __init__(self, listening: socket.socket, accepted: Callable[[UnixChannel], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._socket = listening
        self._accepted = accepted
        # Those that have said nothing for longest first.
        self._visitors: dict[Visitor, None] = {}
        self._adoptions: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    def start(self) -> None:
        """Accept from now on."""
        self._socket.setblocking(False)
        self._watch()

    def close(self) -> None:
        """Accept nobody any more: closes this process's descriptor and no accepted channel."""
        self._closed = True
        self._loop.remove_reader(self._socket)
        self._socket.close()
        if self._timer is not None:
            self._timer.cancel()
        for visitor in [*self._visitors]:
            visitor.dismiss()

    def _watch(self) -> None:
        if not self._closed:
            self._loop.add_reader(self._socket, self._accept)

    def _accept(self) -> None:
        """Let in those who wait; where too many say nothing, the oldest of these has to go."""
        try:
            for _ in range(_MOST_HALF_OPEN):  # and the others in the loop's next turn
                made, _ = self._socket.accept()
                if not is_ours(made):
                    made.close()
                    continue
                if len(self._visitors) >= _MOST_HALF_OPEN:
                    next(iter(self._visitors)).last_chance()
                self._visitors[Visitor(self._loop, made, self._greeted, self._left)] = None
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return
        except OSError as error:  # no descriptor is free
            _LOG.warning("cannot accept: %s; trying again in %g s", error, _PAUSE_SECONDS)
            self._loop.remove_reader(self._socket)
            self._timer = self._loop.call_later(_PAUSE_SECONDS, self._watch)

    def _left(self, visitor: Visitor) -> None:
        self._visitors.pop(visitor, None)

    def _greeted(self, visitor: Visitor, shared: Shared) -> None:
        self._left(visitor)
        adoption = self._loop.create_task(self._adopt(visitor.socket, shared))
        self._adoptions.add(adoption)
        adoption.add_done_callback(self._adoptions.discard)

    async def _adopt(self, connected: socket.socket, shared: Shared) -> None:
        channel = UnixChannel(shared)
        await self._loop.connect_accepted_socket(lambda: channel, connected)
        if self._closed:
            channel.close()
        else:
            self._accepted(channel)
