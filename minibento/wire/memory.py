"""The transport inside one process and one loop: same messages, same conversion, no sockets."""

from dataclasses import replace

from minibento.wire.channel import Receiver
from minibento.wire.messages import Call, Item, Message, Reply
from minibento.wire.values import Payload

__all__ = ["MemoryChannel", "pair"]


class MemoryChannel:
    """One end; what it sends, the other end's receiver is called with at once."""

    __slots__ = ("_peer", "_receiver")

    def __init__(self) -> None:
        self._peer: MemoryChannel | None = None
        self._receiver: Receiver | None = None

    def send(self, message: Message) -> None:
        assert self._peer is not None
        assert self._peer._receiver is not None
        if isinstance(message, Call | Reply | Item) and message.payload.buffers:
            message = replace(message, payload=_copied(message.payload))
        self._peer._receiver(message)

    def receive(self, receiver: Receiver) -> None:
        self._receiver = receiver


def pair() -> tuple[MemoryChannel, MemoryChannel]:
    """Two connected ends."""
    left, right = MemoryChannel(), MemoryChannel()
    left._peer, right._peer = right, left
    return left, right


def _copied(payload: Payload) -> Payload:
    """The payload with buffers of its own, so that neither side sees the other write."""
    return Payload(payload.body, [bytearray(buffer) for buffer in payload.buffers])
