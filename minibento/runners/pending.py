"""One call under way at its caller: what was sent, where it is now, who waits for the answer."""

import asyncio
import math
from typing import Protocol

from minibento.errors import BadResult, MinibentoError
from minibento.wire.failures import from_record
from minibento.wire.messages import Call, End, Failure, Item, Message, Reply

__all__ = ["AwaitedCall", "Pending", "Place", "StreamedCall"]


class Place(Protocol):
    """Where a call is: at a worker, or waiting for one."""

    def withdraw(self, pending: "Pending") -> None:
        """Its caller has gone; nothing if it is not there any more."""
        ...


class Pending:
    """A call until it is answered.

    Attributes:
        call: As it is sent, and sent again.
        items: Items in it.
        moves: How often it was sent again because its worker process had died.
        suspect: It was computing when a worker process died; from then on it computes alone.
        begun: Part of its answer has been passed on, so it cannot be sent again.
        future: Done once the call is.
        place: Where it is.
    """

    __slots__ = ("begun", "call", "future", "items", "moves", "place", "suspect")

    def __init__(self, call: Call, future: asyncio.Future[Reply]) -> None:
        self.call = call
        self.future = future
        self.items = call.count or 1
        self.moves = 0
        self.suspect = False
        self.begun = False
        self.place: Place | None = None

    @property
    def due(self) -> float:
        """The deadline as a number to sort by."""
        return math.inf if self.call.deadline is None else self.call.deadline

    def answer(self, message: Message) -> None:
        """A message of the worker's about this call."""
        raise NotImplementedError

    def fail(self, error: MinibentoError) -> None:
        """It ends with an error of the caller's side."""
        raise NotImplementedError

    def withdraw(self) -> None:
        """Nobody waits for it any more."""
        if self.place is not None:
            self.place.withdraw(self)


class AwaitedCall(Pending):
    """A call with one answer, which is the future's result."""

    __slots__ = ()

    def answer(self, message: Message) -> None:
        """The reply, or what came instead."""
        if self.future.done():  # cancelled in this very turn of the loop
            return
        if isinstance(message, Reply):
            self.future.set_result(message)
        elif isinstance(message, Failure):
            self.future.set_exception(from_record(message.error))
        else:
            self.future.set_exception(BadResult(f"{self.call.method} streams: iterate over it"))

    def fail(self, error: MinibentoError) -> None:
        """Raise the error where the call is awaited."""
        if not self.future.done():
            self.future.set_exception(error)


class StreamedCall(Pending):
    """A call whose answers arrive one by one: in `arrived`, until an End or an error."""

    __slots__ = ("arrived",)

    def __init__(self, call: Call, future: asyncio.Future[Reply]) -> None:
        super().__init__(call, future)
        self.arrived: asyncio.Queue[Item | End | MinibentoError] = asyncio.Queue()

    def answer(self, message: Message) -> None:
        """One part, or the end."""
        if isinstance(message, Item):
            self.begun = True
            self.arrived.put_nowait(message)
        elif isinstance(message, End):
            self._end(message)
        elif isinstance(message, Failure):
            self._end(from_record(message.error))
        else:
            self._end(BadResult(f"{self.call.method} does not stream: await it instead"))

    def fail(self, error: MinibentoError) -> None:
        """Raise the error after the parts that have arrived."""
        self._end(error)

    def _end(self, last: End | MinibentoError) -> None:
        self.arrived.put_nowait(last)
        if not self.future.done():
            self.future.cancel()
