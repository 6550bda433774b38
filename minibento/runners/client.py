"""The caller's end of a runner: sends calls over a channel and matches answers by id."""

import asyncio
import time
from collections.abc import AsyncGenerator
from itertools import count
from typing import Any

from minibento.call import current_call
from minibento.errors import BadResult, DeadlineExceeded, MinibentoError, Unavailable
from minibento.wire.channel import Channel
from minibento.wire.failures import from_record, to_record
from minibento.wire.messages import (
    Call,
    Cancel,
    Credit,
    End,
    Failure,
    Item,
    Message,
    Reply,
)
from minibento.wire.values import Payload, decode

__all__ = ["Client"]


class Client:
    """Calls over one channel. Everything happens on the loop that made it.

    Args:
        channel: Its own end.
        name: The runner's name, for errors.
        version: Tag of the model, noted in the current call for the access log.
    """

    def __init__(self, channel: Channel, name: str, version: str) -> None:
        self._channel = channel
        self._name = name
        self._version = version
        self._loop = asyncio.get_running_loop()
        self._ids = count(1)
        self._pending: dict[int, asyncio.Future[Reply]] = {}
        self._streams: dict[int, asyncio.Queue[Message]] = {}
        self._closed = False
        channel.receive(self._received)

    async def call(self, method: str, payload: Payload, many: int | None = None) -> Reply:
        """Run a method and wait for its reply.

        Args:
            method: Its name.
            payload: One item, or `many` items.
            many: Number of items if it is a call of many.

        Raises:
            MinibentoError: whatever the worker answered instead.
        """
        self._refuse_closed()
        call = current_call.get()
        deadline = None if call is None else call.deadline
        held = call is not None and call.cancelled_when_due
        future: asyncio.Future[Reply] = self._loop.create_future()
        call_id = next(self._ids)
        self._pending[call_id] = future
        timer = None if held else self._timer(call_id, method, deadline)
        try:
            self._channel.send(Call(call_id, method, payload, deadline, many))
            reply = await future
        except asyncio.CancelledError:
            if self._pending.pop(call_id, None) is not None:
                self._channel.send(Cancel(call_id))
            raise
        finally:
            if timer is not None:
                timer.cancel()
        if call is not None:
            call.model_version = self._version
            call.batch_size = reply.batch_size
            call.queue_seconds = reply.queue_seconds
            call.compute_seconds = reply.compute_seconds
        return reply

    async def stream(self, method: str, payload: Payload) -> AsyncGenerator[Any, None]:
        """Run a streaming method; what it yields, as it comes."""
        self._refuse_closed()
        call = current_call.get()
        deadline = None if call is None else call.deadline
        call_id = next(self._ids)
        arrived: asyncio.Queue[Message] = asyncio.Queue()
        self._streams[call_id] = arrived
        timer = self._timer(call_id, method, deadline)
        ended = False
        try:
            self._channel.send(Call(call_id, method, payload, deadline))
            while True:
                message = await arrived.get()
                if isinstance(message, Item):
                    yield decode(*message.payload)
                    self._channel.send(Credit(call_id, 1))
                    continue
                ended = True
                if isinstance(message, Failure):
                    raise from_record(message.error)
                if isinstance(message, Reply):
                    raise BadResult(f"{self._name}.{method} does not stream: await it instead")
                return
        finally:
            if timer is not None:
                timer.cancel()
            self._streams.pop(call_id, None)
            if not ended:
                self._channel.send(Cancel(call_id))

    def close(self) -> None:
        """Fail what is under way: the worker has gone."""
        self._closed = True
        for call_id in [*self._pending, *self._streams]:
            self._fail(call_id, Unavailable(f"runner {self._name!r} has stopped"))

    def _refuse_closed(self) -> None:
        if self._closed:
            raise Unavailable(f"runner {self._name!r} has stopped")

    def _timer(
        self, call_id: int, method: str, deadline: float | None
    ) -> asyncio.TimerHandle | None:
        """The caller is answered at the deadline even while the model computes."""
        if deadline is None:
            return None
        left = max(0.0, deadline - time.monotonic())
        return self._loop.call_later(left, self._expired, call_id, method)

    def _expired(self, call_id: int, method: str) -> None:
        late = DeadlineExceeded(f"{self._name}.{method}: no answer before the deadline")
        self._fail(call_id, late)
        self._channel.send(Cancel(call_id))

    def _fail(self, call_id: int, error: MinibentoError) -> None:
        future = self._pending.pop(call_id, None)
        if future is not None and not future.done():
            future.set_exception(error)
        if call_id in self._streams:
            self._streams[call_id].put_nowait(Failure(call_id, to_record(error, self._name)))

    def _received(self, message: Message) -> None:
        if isinstance(message, Reply):
            future = self._pending.pop(message.id, None)
            if future is not None and not future.done():
                future.set_result(message)
        elif isinstance(message, Failure) and message.id in self._pending:
            future = self._pending.pop(message.id)
            if not future.done():
                future.set_exception(from_record(message.error))
        elif isinstance(message, Item | End | Failure) and message.id in self._streams:
            self._streams[message.id].put_nowait(message)
