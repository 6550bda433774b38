"""Placement: where a runner's worker is. Here: embedded, in this process, on one loop."""

import asyncio
from threading import Event, Thread, current_thread
from typing import Any

from minibento.batching.overrun import Stuck
from minibento.metrics import Metrics
from minibento.own_loop import OwnLoop
from minibento.runners.client import Client
from minibento.runners.options import Options
from minibento.runners.source import Source
from minibento.runners.worker import Worker
from minibento.wire.memory import pair

__all__ = ["BackgroundLoop", "EmbeddedEngine"]

# What a stopping engine gives the calls that it has accepted.
GRACE_SECONDS = 30.0


class EmbeddedEngine:
    """A worker in this process and the client that calls it, both on the loop that starts it."""

    def __init__(self, name: str, source: Source, options: Options, metrics: Metrics) -> None:
        self._own = OwnLoop()
        self.loop = self._own.loop
        self._worker = Worker(name, source, options, metrics)
        here, there = pair()
        self.client = Client(here, name, source.version)
        self._worker.serve(there)

    def is_here(self) -> bool:
        """Whether the caller runs on the engine's loop."""
        return self._own.is_here()

    @property
    def stuck(self) -> Stuck | None:
        """The batch that does not end, if there is one."""
        return self._worker.stuck

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
