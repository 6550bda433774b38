"""The caller's end of a runner: its calls, their deadlines, their answers.

Knows no sockets: a lane is a channel to one worker, whatever carries it.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from itertools import count
from typing import Any

from minibento.call import current_call
from minibento.errors import DeadlineExceeded, MinibentoError, Unavailable
from minibento.runners.dispatcher import Dispatcher
from minibento.runners.lane import Lane
from minibento.runners.method import MethodSpec
from minibento.runners.pending import AwaitedCall, Pending, StreamedCall
from minibento.runners.refusals import Refusals
from minibento.wire.channel import Channel
from minibento.wire.messages import Call, Credit, Item, Reply
from minibento.wire.values import Payload, decode

__all__ = ["Client"]


def _nobody(*_: object) -> None:
    """Whom nothing has to be told."""


class Client:
    """Calls over the lanes that are attached. Everything happens on the loop that made it.

    Args:
        name: The runner's name, for errors.
        version: Tag of the model, noted in the current call for the access log.
        methods: What may be called.
        max_queue: Items that may wait while there is no lane; further ones are refused.
        poisoned: Told of the digest of each item that is found poisonous here.
        resent: Told of each call that goes to another worker because its own died.
    """

    def __init__(
        self,
        name: str,
        version: str,
        methods: Mapping[str, MethodSpec],
        max_queue: int,
        *,
        poisoned: Callable[[str], None] = _nobody,
        resent: Callable[[], None] = _nobody,
    ) -> None:
        self._name = name
        self._version = version
        self._methods = methods
        self._loop = asyncio.get_running_loop()
        self._ids = count(1)
        self._refusals = Refusals()
        self._dispatcher = Dispatcher(
            name,
            self._refusals,
            max_queue=max_queue,
            idempotent=self._idempotent,
            poisoned=poisoned,
            resent=resent,
        )
        self._leaving: str | None = None

    @property
    def lanes(self) -> int:
        """Workers that can be reached now."""
        return self._dispatcher.lanes

    @property
    def leaving(self) -> bool:
        """Whether a worker is on its way out that still answers what it has."""
        return self._dispatcher.leaving

    def attach(self, channel: Channel, gone: Callable[[], None] = _nobody) -> None:
        """Send calls to one more worker, those that wait first.

        Args:
            channel: Its caller's end.
            gone: Called once the worker is lost, when its calls have been dealt with.
        """
        self._dispatcher.attach(channel, gone)

    def refuse(self, digest: str) -> None:
        """Refuse the item with this digest for a while: another process found it poisonous."""
        self._refusals.add(digest)

    async def call(self, method: str, payload: Payload, many: int | None = None) -> Reply:
        """Run a method and wait for its reply.

        Should a worker process die at it, it is sent again; the payload's buffers must stay as
        they are until this returns.

        Args:
            method: Its name.
            payload: One item, or `many` items.
            many: Number of items if it is a call of many.

        Raises:
            MinibentoError: whatever the worker answered instead, or why none can.
        """
        call = current_call.get()
        deadline = None if call is None else call.deadline
        message = self._message(method, payload, deadline, many)
        pending = AwaitedCall(message, self._loop.create_future())
        held = call is not None and call.cancelled_when_due
        timer = None if held else self._timer(pending)
        try:
            self._dispatcher.send(pending)
            reply = await pending.future
        except asyncio.CancelledError:
            pending.withdraw()
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
        call = current_call.get()
        message = self._message(method, payload, None if call is None else call.deadline, None)
        pending = StreamedCall(message, self._loop.create_future())
        timer = self._timer(pending)
        try:
            self._dispatcher.send(pending)
            while isinstance(part := await pending.arrived.get(), Item):
                yield decode(*part.payload)
                if isinstance(pending.place, Lane):
                    pending.place.say(Credit(message.id, 1))
            if isinstance(part, MinibentoError):
                raise part
        finally:
            if timer is not None:
                timer.cancel()
            pending.withdraw()

    def retire(self) -> None:
        """Take no new calls; those under way go on."""
        self._leaving = f"runner {self._name!r} is stopping: call again in a moment"

    def under_way(self) -> list[Pending]:
        """The calls that are not answered."""
        return list(self._dispatcher.under_way())

    async def drained(self) -> None:
        """Wait until no call is under way."""
        while left := self.under_way():
            await asyncio.wait([pending.future for pending in left])

    def close(self) -> None:
        """Fail what is under way, refuse what comes, close the lanes."""
        self._leaving = f"runner {self._name!r} has stopped"
        left = self.under_way()
        self._dispatcher.close()
        for pending in left:
            pending.fail(Unavailable(self._leaving))

    def _message(
        self, method: str, payload: Payload, deadline: float | None, many: int | None
    ) -> Call:
        if self._leaving is not None:
            raise Unavailable(self._leaving)
        message = Call(next(self._ids), method, payload, deadline, many)
        if self._refusals:
            self._refusals.check(message, f"{self._name}.{method}")
        return message

    def _idempotent(self, method: str) -> bool:
        spec = self._methods.get(method)
        return spec is None or spec.idempotent

    def _timer(self, pending: Pending) -> asyncio.TimerHandle | None:
        """The caller is answered at the deadline even while the model computes."""
        deadline = pending.call.deadline
        if deadline is None:
            return None
        left = max(0.0, deadline - time.monotonic())
        return self._loop.call_later(left, self._expired, pending)

    def _expired(self, pending: Pending) -> None:
        where = f"{self._name}.{pending.call.method}"
        pending.withdraw()
        pending.fail(DeadlineExceeded(f"{where}: no answer before the deadline"))
