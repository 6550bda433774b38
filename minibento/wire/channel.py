"""The seam between the two ends of a runner: what a transport must do, one file per transport."""

from collections.abc import Callable
from typing import Protocol

from minibento.wire.ledger import Ledger
from minibento.wire.messages import Message

__all__ = ["Channel", "Receiver"]

Receiver = Callable[[Message], None]


class Channel(Protocol):
    """One end of a connection. All calls and callbacks happen on the end's own event loop."""

    @property
    def ledger(self) -> Ledger | None:
        """What the worker computes, readable after its death; None where both live and die."""
        ...

    def send(self, message: Message) -> None:
        """Send a message. Buffers are copied before this returns; order is kept.

        After `close` and after the loss of the other end it does nothing.

        Raises:
            CannotCross: a call is too large; an answer that is becomes a Failure.
        """
        ...

    def receive(self, receiver: Receiver) -> None:
        """Set what is called with each message that arrives."""
        ...

    def lost(self, callback: Callable[[], None]) -> None:
        """Set what is called, once and on the loop, when the other end has gone.

        It is never called after `close`.
        """
        ...

    def ended(self, tell: Callable[[bool], None]) -> None:
        """Once the other end is lost: tell whether its process has ended, which may take a second.

        A connection may break though both processes live on.
        """
        ...

    def close(self) -> None:
        """End the connection: what was sent still leaves, nothing more arrives."""
        ...
