"""The calls of one caller at a worker: reads each, lets it wait, answers it; knows no model."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from minibento.batching.queue import Entry, Outcome
from minibento.batching.results import join
from minibento.errors import BadResult, ItemError, Overloaded
from minibento.runners.jobs import Stream
from minibento.runners.leaving import leaving
from minibento.runners.prepared import Prepared
from minibento.wire.channel import Channel
from minibento.wire.failures import to_record
from minibento.wire.messages import (
    Call,
    Cancel,
    Credit,
    End,
    ErrorRecord,
    Failure,
    Item,
    Message,
    Reply,
)
from minibento.wire.values import Payload, decode, encode

__all__ = ["Connection", "Host"]


class Host(Protocol):
    """The worker, as a connection sees it."""

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop that everything here is called on."""
        ...

    def accept(self, method: str) -> Prepared:
        """The method a call names. Raises Unavailable, or ItemError if there is none."""
        ...

    def submit(self, method: Prepared, entries: Sequence[Entry]) -> None:
        """Let items wait for their batches. Raises Overloaded."""
        ...

    def forget(self, method: Prepared, entries: Sequence[Entry]) -> None:
        """The caller of these items has gone."""
        ...

    def lost(self, connection: "Connection") -> None:
        """The caller's end of this connection has gone, and with it all of its calls."""
        ...


class Connection:
    """Answers every call that arrives on a channel: once, or not at all if it was cancelled.

    Attributes:
        ledger: What the caller reads if this process dies; None: it would die with it.
    """

    def __init__(self, worker: Host, channel: Channel) -> None:
        self.ledger = channel.ledger
        self._worker = worker
        self._channel = channel
        self._entries: dict[int, tuple[Prepared, Sequence[Entry]]] = {}
        self._streams: dict[int, Stream] = {}
        self._leaving = False
        channel.receive(self._received)
        channel.lost(self._lost)

    def leave(self) -> None:
        """Give back every call that comes from now on, and say so.

        Only to other processes: they have, or will have, another worker to go to.
        """
        if self.ledger is not None:
            self._leaving = True
            self._channel.send(leaving())

    def close(self) -> None:
        """End the connection; what was answered still leaves."""
        self._channel.close()

    def stop_streams(self) -> None:
        """End the generators of all streams: their time is up."""
        for stream in self._streams.values():
            stream.stop()

    def _received(self, message: Message) -> None:
        if isinstance(message, Call):
            self._call(message)
        elif isinstance(message, Cancel):
            self._cancel(message.id)
        elif isinstance(message, Credit) and message.id in self._streams:
            self._streams[message.id].credit(message.count)

    def _call(self, call: Call) -> None:
        if self._leaving:
            self._channel.send(leaving(call.id))
            return
        if call.id in self._entries:  # said twice, by nobody of ours; one of them is answered
            return
        try:
            method = self._worker.accept(call.method)
            value = decode(*call.payload)
            if method.spec.streams:
                self._stream(call, method, value)
            elif call.count is None:
                self._one(call, method, value)
            else:
                self._many(call, method, value)
        except Exception as error:  # noqa: BLE001 - every call is answered, whatever it holds
            record = to_record(error, call.method)
            record.refused = isinstance(error, Overloaded)
            self._channel.send(Failure(call.id, record))

    def _one(self, call: Call, method: Prepared, value: Any) -> None:
        def done(outcome: Outcome) -> None:
            del self._entries[call.id]
            self._channel.send(self._reply(call.id, method, outcome))

        apart = done if call.alone else None
        self._submit(call.id, method, [self._entry(call, method, value, done, apart)])

    def _many(self, call: Call, method: Prepared, value: Any) -> None:
        if method.rows is None:
            raise ItemError(f"{method.where} is not batchable: call it once for each item")
        items = method.rows.unstack(value)
        if not items:
            raise ItemError(f"{method.spec.name}.batch was given no items: pass at least one")
        group = _Group(len(items), lambda: self._finished(call.id, method, group.outcomes))
        entries: list[Entry] = []
        apart = group if call.alone else None
        for index, item in enumerate(items):
            try:
                entry = self._entry(call, method, item, group.place(index), apart)
            except ItemError as error:
                group.set(index, Outcome(error))
                continue
            entries.append(entry)
        if entries:
            self._submit(call.id, method, entries)

    def _stream(self, call: Call, method: Prepared, value: Any) -> None:
        def emit(payload: Payload) -> None:
            if call.id in self._streams:
                self._channel.send(Item(call.id, payload))

        def done(outcome: Outcome) -> None:
            del self._entries[call.id], self._streams[call.id]
            if isinstance(outcome.value, BaseException):
                self._channel.send(Failure(call.id, to_record(outcome.value, method.where)))
            else:
                self._channel.send(End(call.id))

        args, kwargs = value
        stream = Stream(args, kwargs, self._worker.loop, emit, call.deadline)
        self._submit(call.id, method, [self._entry(call, method, stream, done)])
        self._streams[call.id] = stream

    def _entry(
        self,
        call: Call,
        method: Prepared,
        item: Any,
        done: Callable[[Outcome], None],
        apart: object = None,
    ) -> Entry:
        once = not method.spec.idempotent
        origin = None if self.ledger is None else (self.ledger, call.id, once)
        return method.entry(method.checked(item), call.deadline, done, origin, apart)

    def _submit(self, call_id: int, method: Prepared, entries: Sequence[Entry]) -> None:
        # Nothing is answered before the loop's next turn, so the entries are known by then.
        self._worker.submit(method, entries)
        self._entries[call_id] = (method, entries)

    def _finished(self, call_id: int, method: Prepared, outcomes: Sequence[Outcome]) -> None:
        self._entries.pop(call_id, None)
        values: list[Any] = []
        errors: list[ErrorRecord] = []
        for index, outcome in enumerate(outcomes):
            failed = isinstance(outcome.value, BaseException)
            values.append(None if failed else outcome.value)
            if failed:
                errors.append(to_record(outcome.value, method.where, index))
        # What never joined a batch says nothing about how batches went.
        last = max(outcomes, key=lambda outcome: outcome.batch_size)
        try:
            joined = values if errors else join(values)
        except Exception as error:  # noqa: BLE001 - what the model answered cannot be joined
            joined = error
        whole = Outcome(
            joined,
            last.batch_size,
            last.queue_seconds,
            last.compute_seconds,
        )
        self._channel.send(self._reply(call_id, method, whole, tuple(errors)))

    def _reply(
        self,
        call_id: int,
        method: Prepared,
        outcome: Outcome,
        errors: tuple[ErrorRecord, ...] = (),
    ) -> Message:
        if isinstance(outcome.value, BaseException):
            return Failure(call_id, to_record(outcome.value, method.where))
        try:
            payload = encode(outcome.value, f"what {method.where} answered")
        except ItemError as error:  # text that is no Unicode: the model's fault, not the item's
            bad = BadResult(f"{method.where} answered {error}")
            return Failure(call_id, to_record(bad, method.where))
        except Exception as error:  # noqa: BLE001 - what the model answered cannot cross
            return Failure(call_id, to_record(error, method.where))
        return Reply(
            call_id,
            payload,
            outcome.batch_size,
            outcome.queue_seconds,
            outcome.compute_seconds,
            errors,
        )

    def _lost(self) -> None:
        self.stop_streams()
        self._streams.clear()
        for method, entries in self._entries.values():
            self._worker.forget(method, entries)
        self._entries.clear()
        self._worker.lost(self)

    def _cancel(self, call_id: int) -> None:
        stream = self._streams.pop(call_id, None)
        if stream is not None:
            stream.stop()
        if call_id in self._entries:
            self._worker.forget(*self._entries.pop(call_id))


class _Group:
    """The outcomes of a call of many items, which may travel in several batches."""

    def __init__(self, count: int, complete: Callable[[], None]) -> None:
        self.outcomes: list[Outcome] = [Outcome(None)] * count
        self._left = count
        self._complete = complete

    def place(self, index: int) -> Callable[[Outcome], None]:
        """What to call with the outcome of item `index`."""
        return lambda outcome: self.set(index, outcome)

    def set(self, index: int, outcome: Outcome) -> None:
        """Record an outcome; the last one completes the call."""
        self.outcomes[index] = outcome
        self._left -= 1
        if self._left == 0:
            self._complete()
