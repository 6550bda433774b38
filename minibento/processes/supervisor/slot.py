"""One place for a worker, and the worker in it: replaced when it dies, until the slot is closed.

A worker whose time is over is followed by a fresh one before it leaves.
"""

import asyncio
import logging
import socket
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from minibento.processes.backoff import Backoff
from minibento.processes.lifespan import Limit, Over
from minibento.processes.supervisor.failure import StartFailed
from minibento.processes.supervisor.nursery import Nursery, Received
from minibento.processes.supervisor.worker_process import WorkerProcess

__all__ = ["Farewell", "Slot"]

_LOG = logging.getLogger("minibento")
# Who has connected to an API worker's socket waits for the next one there, though others are well.
_CALLERS_WAIT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Farewell:
    """How a worker is told to leave its slot to another one.

    Attributes:
        document: What it is told.
        seconds: That it may take until it has ended.
    """

    document: dict[str, Any]
    seconds: float


class Slot:
    """Keeps one worker alive on one listening socket, which outlives all of them.

    Args:
        number: Of the slot among those of its kind.
        worker: The document that each of its workers is started with.
        nursery: Where they come from.
        listening: The socket that they answer on.
        received: Called with what a worker says.
        ended: Called with a worker that has ended; it was ready before.
        always_answers: Whether a worker that was ready counts as one that answered, and callers
            wait on its own socket.
        farewell: What a worker hears when a fresh one is ready in its place.

    Attributes:
        process: The worker in it; None: none has been started.
        restarts: How often a worker was replaced that had died.
        recycled: How often one was replaced whose time was over, by the limit it had reached.
        recycled_why: In words, the last time; None: never.
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
        farewell: Farewell,
    ) -> None:
        self.number = number
        self.process: WorkerProcess | None = None
        self.restarts = 0
        self.recycled: Counter[Limit] = Counter()
        self.recycled_why: str | None = None
        self.on_replaced: Callable[[WorkerProcess], None] = lambda _: None
        self._worker = worker
        self._nursery = nursery
        self._listening = listening
        self._received = received
        self._ended = ended
        self._always_answers = always_answers
        self._farewell = farewell
        # Resolves when the worker's time is over; None: nobody waits for that.
        self._due: asyncio.Future[Over] | None = None
        # Who was followed last.
        self._leaving: WorkerProcess | None = None
        self._backoff = Backoff(_CALLERS_WAIT_SECONDS) if always_answers else Backoff()
        self._keeping: asyncio.Task[None] | None = None

    @property
    def ready(self) -> bool:
        """Whether a worker in it answers."""
        return self.process is not None and self.process.is_ready

    async def start(self) -> None:
        """Start its first worker, and keep one in it from then on. Raises StartFailed."""
        self.release()  # where the start of another slot failed, this one may be started again
        await self._start()
        self._keeping = asyncio.get_running_loop().create_task(self._keep())

    @property
    def recycling(self) -> bool:
        """Whether a fresh worker is taking this one's place, or the old one is on its way out."""
        if self._leaving is not None and not self._leaving.ended.done():
            return True
        return self._due is not None and self._due.done()

    def recycle(self, over: Over) -> None:
        """Have a fresh worker take the place of the one that is in it."""
        if self._due is not None and not self.recycling:
            self._due.set_result(over)

    def release(self) -> None:
        """Keep it no longer; the worker that is in it lives on."""
        self._due = None
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
            due = self._due = asyncio.get_running_loop().create_future()
            await asyncio.wait({process.ended, due}, return_when=asyncio.FIRST_COMPLETED)
            if process.ended.done():
                await self._revive(process)
            else:
                await self._follow(process, due.result())

    async def _revive(self, process: WorkerProcess) -> None:
        """Put another worker in the place of one that has died."""
        vitals = process.vitals
        answered = self._always_answers or vitals.batches > 0
        computing = vitals.since is not None
        pause = self._backoff.died(time.monotonic(), answered=answered, computing=computing)
        self.restarts += 1
        words = process.ended.result()
        _LOG.warning("%s[%s] ended: %s; %s", process.title, process.pid, words, _plan(pause))
        await asyncio.sleep(pause)
        await self._replace()

    async def _follow(self, old: WorkerProcess, over: Over) -> None:
        """Put a fresh worker beside one whose time is over, and tell that one to leave."""
        begun = time.monotonic()
        try:
            await self._start()
        except StartFailed as failure:
            pause = self._backoff.died(time.monotonic(), answered=False)
            said = "%s[%s] is to be recycled (%s) and goes on, as no other started: %s"
            _LOG.error(said, old.title, old.pid, over.words, failure)
            await asyncio.wait({old.ended}, timeout=pause)
            return
        fresh = self.process
        assert fresh is not None
        self.on_replaced(fresh)
        if old.ended.done():  # it has died meanwhile
            self.restarts += 1
            _LOG.warning("%s[%s] ended: %s", old.title, old.pid, old.ended.result())
            return
        took = (time.monotonic() - begun) * 1000
        said = "%s[%s] is recycled: %s; %s is ready after %.0f ms"
        _LOG.info(said, old.title, old.pid, over.words, fresh.pid, took)
        self.recycled[over.limit] += 1
        self.recycled_why = over.words
        self._dismiss(old)

    def _dismiss(self, old: WorkerProcess) -> None:
        """Let a worker leave that was followed; nobody waits for it, as the fresh one may die."""
        self._leaving = old
        old.say(self._farewell.document)
        seconds = self._farewell.seconds
        late = asyncio.get_running_loop().call_later(
            seconds, old.kill, f"it did not leave within {seconds:.0f} s"
        )
        old.ended.add_done_callback(lambda _: late.cancel())

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
