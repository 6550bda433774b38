"""The calls at one worker: a lane is one channel and what is outstanding on it."""

from collections.abc import Callable

from minibento.runners.gone import Gone, GoneCalls
from minibento.runners.leaving import is_leaving
from minibento.runners.pending import Pending
from minibento.wire.channel import Channel
from minibento.wire.ledger import Begun, Computing
from minibento.wire.messages import Cancel, Failure, Item, Message

__all__ = ["Lane"]


class Lane:
    """One worker as its caller sees it.

    Args:
        channel: The caller's end.
        settled: Told of each suspect that is here no more, and whether it got its result.
        leaving: Told that the worker takes no more calls, and of each one that it gave back.
        refused: Told of each call for which it has no room; whether that is dealt with.

    Attributes:
        items: Those of the calls that are not answered yet.
        used: Number of the last call that was sent here.
        full_until: So long it counts as having no room, in monotonic seconds.
    """

    __slots__ = (
        "_channel",
        "_gone",
        "_leaving",
        "_outstanding",
        "_refused",
        "_settled",
        "full_until",
        "items",
        "used",
    )

    def __init__(
        self,
        channel: Channel,
        settled: Callable[[Pending, bool], None],
        leaving: "Callable[[Lane, Pending | None], None]",
        refused: "Callable[[Lane, Pending], bool]",
    ) -> None:
        self._channel = channel
        self._settled = settled
        self._leaving = leaving
        self._refused = refused
        self._outstanding: dict[int, Pending] = {}
        self._gone = GoneCalls()
        self.items = 0
        self.used = 0
        self.full_until = 0.0
        channel.receive(self._received)

    def send(self, pending: Pending) -> None:
        """Send a call. Raises what the channel raises if it cannot be sent at all."""
        call = pending.call
        pending.place = self
        # Before it is sent: in one process the answer may be here before `send` returns.
        self._outstanding[call.id] = pending
        self.items += pending.items
        self.used = call.id
        try:
            self._channel.send(call)
        except BaseException:
            self._pop(call.id)
            raise

    def say(self, message: Message) -> None:
        """Send something about a call that is here."""
        self._channel.send(message)

    def withdraw(self, pending: Pending) -> None:
        """Its caller has gone: so the worker need not compute it."""
        if self._pop(pending.call.id) is not None:
            self._gone.note(pending, self.computing())
            self._channel.send(Cancel(pending.call.id))

    def outstanding(self) -> list[Pending]:
        """The calls that are not answered."""
        return list(self._outstanding.values())

    def orphans(self) -> list[Pending]:
        """The calls that are not answered, once the worker has gone; they are here no more."""
        left = self.outstanding()
        for pending in left:
            pending.place = None
        self._outstanding.clear()
        self.items = 0
        return left

    def computing(self) -> Computing | None:
        """What the worker was at when it went, or is at now."""
        ledger = self._channel.ledger
        return None if ledger is None else ledger.computing()

    def begun_once(self) -> Begun | None:
        """The calls that the worker has begun with and that may not begin a second time."""
        ledger = self._channel.ledger
        return None if ledger is None else ledger.begun_once()

    def gone(self, computing: Computing | None) -> list[Gone]:
        """What is known of the calls that the worker was at and whose callers had left."""
        return self._gone.among(computing)

    def ended(self, tell: Callable[[bool], None]) -> None:
        """Once the worker is lost: tell whether its process has ended."""
        self._channel.ended(tell)

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()

    def _received(self, message: Message) -> None:
        if isinstance(message, Item):
            pending = self._outstanding.get(message.id)
        else:
            pending = self._pop(message.id, done=not isinstance(message, Failure))
            if isinstance(message, Failure) and is_leaving(message):
                self._leaving(self, pending)
                return
        if pending is None:
            return
        if isinstance(message, Failure) and message.error.refused and self._refused(self, pending):
            return
        pending.answer(message)

    def _pop(self, call_id: int, *, done: bool = False) -> Pending | None:
        pending = self._outstanding.pop(call_id, None)
        if pending is not None:
            # An error that it ends with may hold it for long, with the frames of its traceback.
            pending.place = None
            self.items -= pending.items
            if pending.suspect:
                self._settled(pending, done)
        return pending
