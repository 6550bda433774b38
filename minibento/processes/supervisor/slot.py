"""One place for a worker, and the worker in it: replaced when it dies, until the slot is closed."""

import asyncio
import logging
import socket
import time
from collections.abc import Callable
from typing import Any

from minibento.processes.backoff import Backoff
from minibento.processes.supervisor.failure import StartFailed
from minibento.processes.supervisor.nursery import Nursery, Received
from minibento.processes.supervisor.worker_process import WorkerProcess

__all__ = ["Slot"]

_LOG = logging.getLogger("minibento")


class Slot:
    """Keeps one worker alive on one listening socket, which outlives all of them.

    Args:
        number: Of the slot among those of its kind.
        worker: The document that each of its workers is started with.
        nursery: Where they come from.
        listening: The socket that they answer on.
        received: Called with what a worker says.
        ended: Called with a worker that has ended; it was ready before.
        always_answers: Whether a worker that was ready counts as one that answered.

    Attributes:
        process: The worker in it; None: none has been started.
        restarts: How often a worker was replaced.
    """

    def __init__(
        self,
        number: int,
        worker: dict[str, Any],
        nursery: Nursery,
        listening: socket.socket,
        received: Received,
        *,
        ended: Callable[[WorkerProcess], None],
        always_answers: bool,
    ) -> None:
        self.number = number
        self.process: WorkerProcess | None = None
        self.restarts = 0
        self.on_replaced: Callable[[WorkerProcess], None] = lambda _: None
        self._worker = worker
        self._nursery = nursery
        self._listening = listening
        self._received = received
        self._ended = ended
        self._always_answers = always_answers
        self._backoff = Backoff()
        self._keeping: asyncio.Task[None] | None = None

    @property
    def ready(self) -> bool:
        """Whether a worker in it answers."""
        return self.process is not None and self.process.is_ready

    async def start(self) -> None:
        """Start its first worker, and keep one in it from then on. Raises StartFailed."""
        await self._start()
        self._keeping = asyncio.get_running_loop().create_task(self._keep())

    def release(self) -> None:
        """Keep it no longer; the worker that is in it lives on."""
        if self._keeping is not None:
            self._keeping.cancel()

    async def _start(self) -> None:
        self.process = await self._nursery.worker(self._worker, self._listening, self._received)
        process = self.process
        process.ended.add_done_callback(lambda _: self._ended(process))

    async def _keep(self) -> None:
        while True:
            process = self.process
            assert process is not None
            words = await asyncio.shield(process.ended)
            answered = self._always_answers or process.vitals.batches > 0
            pause = self._backoff.died(time.monotonic(), answered=answered)
            self.restarts += 1
            _LOG.warning("%s[%s] ended: %s; %s", process.title, process.pid, words, _plan(pause))
            await asyncio.sleep(pause)
            await self._replace()

    async def _replace(self) -> None:
        """Try until a new worker is ready: what was ready once is not given up."""
        while True:
            begun = time.monotonic()
            try:
                await self._start()
            except StartFailed as failure:
                pause = self._backoff.died(time.monotonic(), answered=False)
                self.restarts += 1
                _LOG.error("%s did not start: %s; %s", self._worker["title"], failure, _plan(pause))
                await asyncio.sleep(pause)
            else:
                assert self.process is not None
                took = (time.monotonic() - begun) * 1000
                _LOG.info(
                    "%s[%s] is ready after %.0f ms", self.process.title, self.process.pid, took
                )
                self.on_replaced(self.process)
                return


def _plan(pause: float) -> str:
    return f"another starts in {pause:g} s" if pause else "another takes its place"
