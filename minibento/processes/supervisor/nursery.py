"""Where the workers of one kind come from: copies of one prepared process, or fresh ones."""

import asyncio
import logging
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from minibento.processes.backoff import Backoff
from minibento.processes.control import Control
from minibento.processes.one_thread import ONE_THREAD
from minibento.processes.supervisor.failure import StartFailed
from minibento.processes.supervisor.kernel_view import look_at
from minibento.processes.supervisor.kind import Kind
from minibento.processes.supervisor.reaper import Reaper, in_words
from minibento.processes.supervisor.spawning import Blank, blank
from minibento.processes.supervisor.worker_process import WorkerProcess
from minibento.processes.vitals import VitalsPage

__all__ = ["Nursery"]

_LOG = logging.getLogger("minibento")
# A forked worker has nothing to load: one that is not ready by then hangs.
FORKED_SECONDS = 30.0
# The fork itself takes a hundredth of a second for each gigabyte, and seconds where fifty processes
# want the same processor.
FORK_SECONDS = 30.0

Received = Callable[[WorkerProcess, dict[str, Any]], None]


class Nursery:
    """The prepared process of one kind of worker, kept alive, and the workers made by it.

    Attributes:
        workers: Those that have not ended.
        pid: Of the prepared process; None: there is none.
        restarts: How often it was started again.
        since: When it was started last, monotonic seconds.
        blank: A process that has been started already and waits to be told what to prepare.
    """

    def __init__(self, kind: Kind, reaper: Reaper) -> None:
        self.kind = kind
        self.workers: list[WorkerProcess] = []
        self.pid: int | None = None
        self.restarts = 0
        self.since = time.monotonic()
        self.blank: Blank | None = None
        self._reaper = reaper
        self._loop = asyncio.get_running_loop()
        self._prepared: asyncio.Future[dict[str, Any]] = self._loop.create_future()
        self._answer: asyncio.Future[dict[str, Any]] | None = None
        self._control: Control | None = None
        self._forking = asyncio.Lock()
        self._backoff = Backoff()
        self._closed = False
        self._restart: asyncio.Task[None] | None = None

    @property
    def ready(self) -> bool:
        """Whether it holds what its workers need."""
        return self._prepared.done() and self._prepared.exception() is None

    async def prepare(self) -> dict[str, Any]:
        """Start it and wait until it has imported or loaded; what it found out.

        Raises:
            StartFailed: it could not, or not in time.
        """
        if self._closed:
            raise StartFailed(f"the nursery of {self.kind.title} has been closed", final=True)
        # One that was ready and died meanwhile starts again by itself.
        if self._restart is None:
            self._start()
        return await self._when_prepared()

    async def worker(
        self, worker: dict[str, Any], listening: socket.socket, received: Received
    ) -> WorkerProcess:
        """A new worker that serves on `listening`.

        Raises:
            StartFailed: it could not be started, or did not become ready in time.
        """
        if self.kind.forks:
            process = await self._forked(worker, listening, received)
            if process is not None:
                return process
        return await self._fresh(worker, listening, received)

    def look(self) -> None:
        """Kill the prepared process if it is stopped: nobody would come to a free slot."""
        if self.pid is not None and not self._closed:
            seen = look_at(self.pid)
            if seen is not None and seen.stopped:
                self._kill("it was stopped by a signal")

    def close(self) -> None:
        """End the prepared process; its workers live on."""
        self._closed = True
        if self._restart is not None:
            self._restart.cancel()
        if self.blank is not None:
            self.blank.channel.close()
        self._end_process()

    def _end_process(self) -> None:
        if self._control is not None:
            self._control.close()
        if self.pid is not None:
            self._reaper.kill(self.pid, signal.SIGKILL)

    async def _forked(
        self, worker: dict[str, Any], listening: socket.socket, received: Received
    ) -> WorkerProcess | None:
        """A copy of the prepared process; None: it cannot be copied, now or ever."""
        await self._when_prepared()
        process = await self._fork(worker, listening, received)
        if process is None:
            return None
        if not await self._in_time(process):
            process.kill(
                f"it was not ready {FORKED_SECONDS:g} s after it was forked; from now on the "
                f"workers of {self.kind.title} are started afresh, each loading for itself"
            )
            self._forks_no_more()
            return None
        return process

    async def _in_time(self, process: WorkerProcess) -> bool:
        """Wait until it is ready; False: it hangs. In a debugger it may take its time."""
        while True:
            try:
                async with asyncio.timeout(FORKED_SECONDS):
                    await asyncio.shield(process.ready)
            except TimeoutError:
                if process.debugging:
                    continue
                return False
            return True

    async def _fork(
        self, worker: dict[str, Any], listening: socket.socket, received: Received
    ) -> WorkerProcess | None:
        async with self._forking:
            if not self.kind.forks:
                return None
            if self._control is None or self._control.closed:
                raise StartFailed(f"the nursery of {self.kind.title} has ended")
            process, theirs, page = self._new(worker, received)
            self._answer = self._loop.create_future()
            with theirs:
                descriptors = [theirs.fileno(), listening.fileno(), page]
                try:
                    self._control.send_with({"worker": worker}, descriptors)
                except OSError:
                    process.end_now()
                    raise StartFailed(f"the nursery of {self.kind.title} has ended") from None
            answer = await self._when_forked()
        if "refused" in answer:
            process.end_now()
            _LOG.warning(
                "%s cannot be forked: loading it left %d threads, and a copy of a process with "
                "threads hangs; its workers are started afresh, each loading for itself",
                self.kind.title,
                answer["refused"],
            )
            self._forks_no_more()
            return None
        if "unable" in answer:
            process.end_now()
            raise StartFailed(f"no process can be forked at the moment: {answer['unable']}")
        if "ended" in answer:
            process.end_now()
            raise StartFailed(f"the nursery of {self.kind.title} ended: {answer['ended']}")
        return process

    async def _when_forked(self) -> dict[str, Any]:
        assert self._answer is not None
        try:
            async with asyncio.timeout(FORK_SECONDS):
                return await asyncio.shield(self._answer)
        except TimeoutError:
            self._kill(f"it has not forked within {FORK_SECONDS:g} s")
            return {"ended": "it hung"}

    async def _fresh(
        self, worker: dict[str, Any], listening: socket.socket, received: Received
    ) -> WorkerProcess:
        process, theirs, page = self._new(worker, received)
        try:
            with theirs, _possible():
                child = self._child({})
                told = Control(child.channel, lambda _: None, lambda: None)
                told.send_with(
                    {**self._first(), "load": False, "worker": worker},
                    [theirs.fileno(), listening.fileno(), page],
                )
        except StartFailed:
            process.end_now()
            raise
        process.known_as(child.pid)
        try:
            async with asyncio.timeout(self.kind.start_timeout):
                await asyncio.shield(process.ready)
        except TimeoutError:
            process.end_now()
            raise StartFailed(
                f"{process.title} was not ready within {self.kind.start_timeout:g} s "
                "(start_timeout)"
            ) from None
        finally:
            told.close()
        return process

    def _new(
        self, worker: dict[str, Any], received: Received
    ) -> tuple[WorkerProcess, socket.socket, int]:
        """A worker about to be started, its end of the connection, and its page."""
        with _possible():
            ours, theirs = socket.socketpair()
            vitals = VitalsPage()
        process = WorkerProcess(worker["title"], ours, vitals, self._reaper, received)
        self.workers.append(process)
        process.ended.add_done_callback(lambda _: self.workers.remove(process))
        return process, theirs, vitals.descriptor

    def _first(self) -> dict[str, Any]:
        before = {name: os.environ[name] for name in ONE_THREAD if name in os.environ}
        return {
            **self.kind.first,
            "title": f"nursery of {self.kind.title}",
            "supervisor": os.getpid(),
            "threads_before": {**before, **_of(self.kind.environment)},
        }

    def _start(self) -> None:
        self._end_process()
        self.since = time.monotonic()
        if self._prepared.done():
            self._prepared = self._loop.create_future()
        # Nobody may be waiting when it fails.
        self._prepared.add_done_callback(lambda one: one.cancelled() or one.exception())
        child, self.blank = self.blank, None
        if child is not None and not child.waits:  # when it ended nobody asked how
            child.channel.close()
            child = None
        with _possible():
            pid, channel = child or self._child(ONE_THREAD)
        self.pid = pid
        self._control = Control(channel, self._said, lambda: None)
        self._control.send(self._first())
        self._reaper.end_of(pid).add_done_callback(lambda end: self._ended(pid, end))

    def _child(self, variables: Mapping[str, str]) -> Blank:
        environment = {**os.environ, **self.kind.environment, **variables}
        return blank(environment, terminal=self.kind.terminal, python=self.kind.python)

    async def _when_prepared(self) -> dict[str, Any]:
        try:
            async with asyncio.timeout(self.kind.start_timeout):
                return await asyncio.shield(self._prepared)
        except TimeoutError:
            self._kill(f"it was not loaded within {self.kind.start_timeout:g} s")
            raise StartFailed(
                f"{self.kind.title} was not loaded within {self.kind.start_timeout:g} s "
                "(start_timeout)"
            ) from None

    def _said(self, document: dict[str, Any]) -> None:
        if "prepared" in document:
            self._prepared.set_result(document["prepared"])
        elif "failed" in document:
            self._prepared.set_exception(StartFailed.told(document["failed"]))
        elif self._answer is not None and not self._answer.done():
            self._answer.set_result(document)

    def _ended(self, pid: int, end: "asyncio.Future[int]") -> None:
        if end.cancelled() or self._closed or pid != self.pid:
            return
        assert self._control is not None
        self._control.drain()
        self._control.close()
        words = in_words(end.result())
        failure = self._prepared.exception() if self._prepared.done() else None
        started = self.ready
        if not self._prepared.done():
            self._prepared.set_exception(
                StartFailed(f"the nursery of {self.kind.title} ended while it loaded: {words}")
            )
        if self._answer is not None and not self._answer.done():
            self._answer.set_result({"ended": words})
        if started:
            self._prepared = self._loop.create_future()
        if self.kind.forks and (started or self.restarts):
            # What a load raised says more than the exit code that it led to.
            said = str(failure or words)
            self._restart = self._loop.create_task(self._again(said, answered=started))

    async def _again(self, words: str, *, answered: bool) -> None:
        """A nursery that was ready once is started again for ever."""
        pause = self._backoff.died(self._loop.time(), answered=answered)
        _LOG.warning(
            "the nursery of %s ended: %s; its workers live on, it loads again%s",
            self.kind.title,
            words,
            f" in {pause:g} s" if pause else "",
        )
        self.restarts += 1
        await asyncio.sleep(pause)
        try:
            self._start()
        except StartFailed as failure:
            self._restart = self._loop.create_task(self._again(str(failure), answered=False))

    def _kill(self, reason: str) -> None:
        if self.pid is None:
            return
        _LOG.error("the nursery of %s[%s] is killed: %s", self.kind.title, self.pid, reason)
        self._reaper.kill(self.pid)

    def _forks_no_more(self) -> None:
        self.kind.forks = False
        self.close()
        self.pid = None


@contextmanager
def _possible() -> Iterator[None]:
    """What the system refuses now it may grant later: a descriptor, memory, one more process."""
    try:
        yield
    except OSError as error:
        raise StartFailed(f"no process can be started at the moment: {error}") from error


def _of(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: environment[name] for name in ONE_THREAD if name in environment}
