"""Placement: a runner whose workers are processes of their own, each at a socket path.

Knows no supervisor: a path is there for life, and whoever serves it may come and go.
"""

import asyncio
import logging
import math
from asyncio import Task
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial

from minibento.errors import ProtocolError
from minibento.metrics import Metrics
from minibento.own_loop import OwnLoop
from minibento.runners.client import Client
from minibento.runners.engine import GRACE_SECONDS
from minibento.runners.method import MethodSpec
from minibento.wire.channel import Channel
from minibento.wire.unix import connect

__all__ = ["ProcessEngine"]

_LOG = logging.getLogger("minibento")
# So long a start waits for the first worker. Without one the process still tells its health: a
# runner that is down must not keep a new API worker from that.
START_SECONDS = 1.0
# Where nobody serves a path, it is tried again after pauses that double from the first to the last.
FIRST_PAUSE, LAST_PAUSE = 0.005, 0.25
# A worker that was lost after so few seconds is not connected to again without any pause.
SHORT_LIFE = 0.05
# A worker that leaves by itself has a successor, which is connected to within this time.
SUCCESSION_SECONDS = 1.0


class ProcessEngine:
    """The client of a runner's worker processes; lives on the loop that makes it.

    Args:
        name: The runner's name.
        version: Tag of the model.
        slots: Socket paths, one for each worker.
        methods: What may be called.
        max_queue: Items that may wait here while there is no worker.
        metrics: Where it is counted how calls fared when workers died.
        poisoned: Told of the digest of each item found poisonous here.
        connected: Makes the caller's end of a channel to a path.
    """

    def __init__(  # noqa: PLR0917 - each is named where it is made, once
        self,
        name: str,
        version: str,
        slots: Sequence[str],
        methods: Mapping[str, MethodSpec],
        max_queue: int,
        metrics: Metrics,
        poisoned: Callable[[str], None] = lambda _: None,
        *,
        connected: Callable[[str], Awaitable[Channel]] = connect,
    ) -> None:
        self._own = OwnLoop()
        self.loop = self._own.loop
        labels, cell = ("runner", "version"), (name, version)
        resent = metrics.counter(
            "minibento_resent_calls_total", "Calls sent again as their worker died.", labels
        ).value(*cell)
        found = metrics.counter(
            "minibento_poisonous_items_total", "Items that ended two workers each.", labels
        ).value(*cell)

        def found_poisonous(digest: str) -> None:
            found.add()
            poisoned(digest)

        self.client = Client(
            name, version, methods, max_queue, poisoned=found_poisonous, resent=resent.add
        )
        self._name = name
        self._slots = slots
        self._connected = connected
        self._first = asyncio.Event()
        # When a worker last left by itself.
        self._left_at = -math.inf
        self._tasks: list[Task[None]] = []

    def is_here(self) -> bool:
        """Whether the caller runs on the engine's loop."""
        return self._own.is_here()

    @property
    def ready(self) -> bool:
        """Whether there is a worker, or one has just left for another one that is there."""
        return self.client.lanes > 0 or self.loop.time() - self._left_at < SUCCESSION_SECONDS

    @property
    def trouble(self) -> str | None:
        """That there is no worker, in words."""
        if self.ready:
            return None
        many = len(self._slots)
        if many == 1:
            return "its worker process is down"
        return f"none of its {many} worker processes is up"

    def refuse(self, digest: str) -> None:
        """Refuse the item with this digest for a while: another process found it poisonous."""
        self.client.refuse(digest)

    async def start(self) -> None:
        """Connect to the workers; returns when there is one, or none was there in a second.

        Calls wait then, as they do whenever there is no worker.
        """
        self._tasks = [self.loop.create_task(self._keep(path)) for path in self._slots]
        try:
            async with asyncio.timeout(START_SECONDS):
                await self._first.wait()
        except TimeoutError:
            _LOG.warning("runner %r: %s; it starts without", self._name, self.trouble)
        except BaseException:
            self._end()
            raise

    async def stop(self) -> None:
        """Wait for the answers to what was accepted, then leave."""
        self.client.retire()
        with suppress(TimeoutError):
            async with asyncio.timeout(GRACE_SECONDS):
                await self.client.drained()
        self._end()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def abandon(self) -> None:
        """Leave, from any thread, without waiting."""
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self._end)

    def _end(self) -> None:
        for task in self._tasks:
            task.cancel()
        self.client.close()

    async def _keep(self, path: str) -> None:
        """One lane: connected again whenever it is lost."""
        while True:
            channel = await self._patiently(path)
            gone = asyncio.Event()
            self.client.attach(channel, partial(self._gone, gone))
            self._first.set()
            since = self.loop.time()
            await gone.wait()
            if self.loop.time() - since < SHORT_LIFE:  # no busy loop, whatever goes on there
                await asyncio.sleep(FIRST_PAUSE)

    def _gone(self, gone: asyncio.Event) -> None:
        if self.client.leaving:
            self._left_at = self.loop.time()
        gone.set()

    async def _patiently(self, path: str) -> Channel:
        pause, told = FIRST_PAUSE, False
        while True:
            try:
                return await self._connected(path)
            except (OSError, ProtocolError) as error:
                if pause == LAST_PAUSE and not told:
                    told = True
                    said = "runner %r: no connection to %s: %s; it is tried again and again"
                    _LOG.warning(said, self._name, path, error)
                await asyncio.sleep(pause)
                pause = min(2 * pause, LAST_PAUSE)
