"""The seam between the two ends of a runner: what a transport must do, one file per transport."""

from collections.abc import Callable
from typing import Protocol

from minibento.wire.messages import Message

__all__ = ["Channel", "Receiver"]

Receiver = Callable[[Message], None]


class Channel(Protocol):
    """One end of a connection. All calls and callbacks happen on the end's own event loop."""

    def send(self, message: Message) -> None:
        """Send a message. Buffers are copied before this returns; order is kept."""
        ...

    def receive(self, receiver: Receiver) -> None:
        """Set what is called with each message that arrives."""
        ...
