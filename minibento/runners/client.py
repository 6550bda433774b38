"""The caller's end of a runner: sends calls over a channel and matches answers by id."""

import asyncio
from collections.abc import AsyncIterator
from itertools import count
from typing import Any

from minibento.call import current_call
from minibento.errors import BadResult, Unavailable
from minibento.wire.channel import Channel
from minibento.wire.failures import from_record
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
        future: asyncio.Future[Reply] = self._loop.create_future()
        call_id = next(self._ids)
        self._pending[call_id] = future
        deadline = None if call is None else call.deadline
        try:
            self._channel.send(Call(call_id, method, payload, deadline, many))
            reply = await future
        except asyncio.CancelledError:
            if self._pending.pop(call_id, None) is not None:
                self._channel.send(Cancel(call_id))
            raise
        if call is not None:
            call.model_version = self._version
            call.batch_size = reply.batch_size
            call.queue_seconds = reply.queue_seconds
            call.compute_seconds = reply.compute_seconds
        return reply

    async def stream(self, method: str, payload: Payload) -> AsyncIterator[Any]:
        """Run a streaming method; what it yields, as it comes."""
        self._refuse_closed()
        call = current_call.get()
        call_id = next(self._ids)
        arrived: asyncio.Queue[Message] = asyncio.Queue()
        self._streams[call_id] = arrived
        ended = False
        try:
            self._channel.send(Call(call_id, method, payload, call.deadline if call else None))
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
            del self._streams[call_id]
            if not ended:
                self._channel.send(Cancel(call_id))

    def close(self) -> None:
        """Fail what is under way: the worker has gone."""
        self._closed = True
        gone = Unavailable(f"runner {self._name!r} has stopped")
        for future in self._pending.values():
            if not future.done():
                future.set_exception(gone)
        self._pending.clear()

    def _refuse_closed(self) -> None:
        if self._closed:
            raise Unavailable(f"runner {self._name!r} has stopped")

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
