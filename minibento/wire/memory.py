"""The transport inside one process and one loop: same messages, same conversion, no sockets."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from minibento.wire.channel import Receiver
from minibento.wire.messages import Call, Item, Message, Reply
from minibento.wire.payload import Payload

__all__ = ["MemoryChannel", "pair"]


@dataclass(slots=True)
class _Inbox:
    """Where one end's messages arrive."""

    receiver: Receiver | None = None
    closed: bool = False


class MemoryChannel:
    """One end; what it sends, the other end's receiver is called with at once.

    Both ends live in one process: neither is lost to the other, and there is no ledger.
    """

    __slots__ = ("_inbox", "_outbox")
    ledger = None

    def __init__(self, inbox: _Inbox, outbox: _Inbox) -> None:
        self._inbox = inbox
        self._outbox = outbox

    def send(self, message: Message) -> None:
        """Hand the message over, with copies of its buffers: neither side sees the other write."""
        if self._outbox.closed:
            return
        assert self._outbox.receiver is not None
        if isinstance(message, Call | Reply | Item) and message.payload.buffers:
            copies = [bytearray(buffer) for buffer in message.payload.buffers]
            message = replace(message, payload=Payload(message.payload.body, copies))
        self._outbox.receiver(message)

    def receive(self, receiver: Receiver) -> None:
        """Set what is called with each message that arrives."""
        self._inbox.receiver = receiver

    def lost(self, callback: Callable[[], None]) -> None:
        """The callback is never called."""

    def ended(self, tell: Callable[[bool], None]) -> None:
        """It cannot have: it is this one."""
        tell(False)

    def close(self) -> None:
        """Nothing more is sent or arrives, in either direction."""
        self._inbox.closed = self._outbox.closed = True


def pair() -> tuple[MemoryChannel, MemoryChannel]:
    """Two connected ends."""
    left, right = _Inbox(), _Inbox()
    return MemoryChannel(left, right), MemoryChannel(right, left)
