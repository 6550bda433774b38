"""Placement: where a runner's workers are. Here: embedded, one in this process, on one loop."""

import asyncio
from threading import Event, Thread, current_thread
from typing import Any, Protocol

from minibento.metrics import Metrics
from minibento.own_loop import OwnLoop
from minibento.runners.client import Client
from minibento.runners.options import Options
from minibento.runners.source import Source
from minibento.runners.worker import Worker
from minibento.wire.memory import pair

__all__ = ["GRACE_SECONDS", "BackgroundLoop", "EmbeddedEngine", "Engine"]

# What a stopping engine gives the calls that it has accepted.
GRACE_SECONDS = 30.0


class Engine(Protocol):
    """What carries a started runner's calls to where they compute.

    Attributes:
        loop: The event loop that it lives on.
        client: What sends the calls; used on that loop only.
    """

    loop: asyncio.AbstractEventLoop
    client: Client

    def is_here(self) -> bool:
        """Whether the caller runs on the engine's loop."""
        ...

    @property
    def ready(self) -> bool:
        """Whether calls can be answered now."""
        ...

    @property
    def trouble(self) -> str | None:
        """Why it is not ready, in words."""
        ...

    async def start(self) -> None:
        """Get ready to answer. Raises whatever keeps it from that."""
        ...

    async def stop(self) -> None:
        """Answer what was accepted, then end."""
        ...

    def abandon(self) -> None:
        """End, from any thread, without waiting: nobody can call any more."""
        ...


class EmbeddedEngine:
    """A worker in this process and the client that calls it, both on the loop that starts it."""

    def __init__(self, name: str, source: Source, options: Options, metrics: Metrics) -> None:
        self._own = OwnLoop()
        self.loop = self._own.loop
        self._worker = Worker(name, source, options, metrics)
        self.client = Client(name, source.version, source.methods, options.max_queue)
        here, there = pair()
        self._worker.serve(there)
        self.client.attach(here)

    def is_here(self) -> bool:
        """Whether the caller runs on the engine's loop."""
        return self._own.is_here()

    @property
    def ready(self) -> bool:
        """Whether calls can be answered: not while a batch does not end."""
        return self._worker.stuck is None

    @property
    def trouble(self) -> str | None:
        """The batch that does not end, in words, if there is one."""
        stuck = self._worker.stuck
        return None if stuck is None else str(stuck)

    async def start(self) -> None:
        """Load and warm up. Raises what the model's own code raises."""
        await self._worker.start()

    async def stop(self) -> None:
        """Answer what was accepted, then end."""
        await self._worker.stop(GRACE_SECONDS)
        self.client.close()

    def abandon(self) -> None:
        """End the compute thread, from any thread, without waiting: nobody can call any more."""
        self._worker.abandon()


class BackgroundLoop:
    """An event loop in a daemon thread, for runners called from scripts and notebooks."""

    def __init__(self, name: str) -> None:
        self.loop = asyncio.new_event_loop()
        self._running = Event()
        self._thread = Thread(target=self._work, name=name, daemon=True)
        self._thread.start()
        self._running.wait()

    def run(self, coroutine: Any) -> Any:
        """Run a coroutine on the loop and wait for its result."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result()

    def stop(self) -> None:
        """End the thread; it closes the loop."""
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self.loop.stop)
        if self._thread is not current_thread():
            self._thread.join()

    def _work(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.call_soon(self._running.set)
        self.loop.run_forever()
        self.loop.close()
