"""Channels for tests: a worker by hand, and a caller by hand."""

from collections.abc import Callable
from itertools import count
from typing import Any

from minibento.wire.channel import Receiver
from minibento.wire.ledger import LEDGER_BYTES, Computing, Ledger
from minibento.wire.messages import Call, Cancel, End, Failure, Item, Message, Reply
from minibento.wire.values import decode, encode

__all__ = ["FakeCaller", "FakeWorker"]


class FakeWorker:
    """Both the caller's end of a channel and what the test does to the worker behind it."""

    def __init__(self) -> None:
        self.ledger = Ledger(bytearray(LEDGER_BYTES))
        self.sent: list[Message] = []
        self.closed = False
        self._receiver: Receiver | None = None
        self._lost: Callable[[], None] | None = None
        self._ended: list[Callable[[bool], None]] = []
        self._has_ended: bool | None = None

    def send(self, message: Message) -> None:
        self.sent.append(message)

    def receive(self, receiver: Receiver) -> None:
        self._receiver = receiver

    def lost(self, callback: Callable[[], None]) -> None:
        self._lost = callback

    def ended(self, tell: Callable[[bool], None]) -> None:
        self._ended.append(tell)
        self._tell()

    def _tell(self) -> None:
        while self._has_ended is not None and self._ended:
            self._ended.pop()(self._has_ended)

    def close(self) -> None:
        self.closed = True

    @property
    def calls(self) -> list[Call]:
        """The calls that came, without those that were cancelled."""
        cancelled = {message.id for message in self.sent if isinstance(message, Cancel)}
        return [one for one in self.sent if isinstance(one, Call) and one.id not in cancelled]

    @property
    def items(self) -> list[Any]:
        """What the calls hold."""
        return [decode(*call.payload) for call in self.calls]

    def call_of(self, item: Any) -> Call:
        """The last call that holds this item."""
        return [call for call in self.calls if decode(*call.payload) == item][-1]

    def says(self, message: Message) -> None:
        """The worker sends something."""
        assert self._receiver is not None
        self._receiver(message)

    def answers(self, *items: Any) -> None:
        """It replies to the calls of these items with `["done", item]`."""
        for item in items:
            self.says(Reply(self.call_of(item).id, encode(["done", item])))

    def yields(self, item: Any, *parts: Any, ends: bool = False) -> None:
        """It streams parts of the answer to the call of this item."""
        call_id = self.call_of(item).id
        for part in parts:
            self.says(Item(call_id, encode(part)))
        if ends:
            self.says(End(call_id))

    def computes(self, *items: Any, total: int | None = None, once: bool = False) -> None:
        """A batch of these items begins; `once`: it may not begin a second time."""
        ids = [self.call_of(item).id for item in items]
        if once:
            self.ledger.begin_once(ids)
        self.ledger.begin(ids, len(items) if total is None else total)

    def dies(self) -> None:
        """The process ends, at whatever it was."""
        self.breaks()
        self.turns_out(ended=True)

    def breaks(self) -> None:
        """The connection ends; it is not known why. Nobody is held for longer."""
        lost, self._lost = self._lost, None
        assert lost is not None
        lost()
        self._receiver = None

    def turns_out(self, *, ended: bool) -> None:
        """It is known whether the process has ended."""
        self._has_ended = ended
        self._tell()


class FakeCaller:
    """Both the worker's end of a channel and what the test does as the caller behind it."""

    def __init__(self) -> None:
        self.ledger = Ledger(bytearray(LEDGER_BYTES))
        self.got: list[Message] = []
        self.closed = False
        self.on_message: Callable[[Message], None] = lambda _: None
        self._ids = count(1)
        self._receiver: Receiver | None = None
        self._lost: Callable[[], None] | None = None

    def send(self, message: Message) -> None:
        self.got.append(message)
        self.on_message(message)

    def receive(self, receiver: Receiver) -> None:
        self._receiver = receiver

    def lost(self, callback: Callable[[], None]) -> None:
        self._lost = callback

    def ended(self, tell: Callable[[bool], None]) -> None:
        tell(True)

    def close(self) -> None:
        self.closed = True

    def calls(
        self,
        method: str,
        item: Any,
        *,
        many: int | None = None,
        deadline: float | None = None,
        alone: bool = False,
        number: int | None = None,
    ) -> int:
        """Call a method; the id of the call, `number` or one of its own."""
        call = Call(number or next(self._ids), method, encode(item), deadline, many, alone)
        assert self._receiver is not None
        self._receiver(call)
        return call.id

    @property
    def replies(self) -> dict[int, Any]:
        """What was answered, by call."""
        return {one.id: decode(*one.payload) for one in self.got if isinstance(one, Reply)}

    @property
    def failures(self) -> dict[int, str]:
        """What failed, by call."""
        return {one.id: one.error.detail for one in self.got if isinstance(one, Failure)}

    def computing(self) -> Computing | None:
        """What the ledger says."""
        return self.ledger.computing()

    def dies(self) -> None:
        """The process ends."""
        assert self._lost is not None
        self._lost()
