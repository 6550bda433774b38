"""One worker process as its supervisor sees it, from its start to its end."""

import asyncio
import logging
import math
import signal
import socket
import time
from collections.abc import Callable
from typing import Any

from minibento.log import with_traceback
from minibento.processes.control import Control
from minibento.processes.orphans import end_group
from minibento.processes.pauses import Pauses
from minibento.processes.supervisor.failure import StartFailed
from minibento.processes.supervisor.kernel_view import look_at, private_bytes, wants_processor
from minibento.processes.supervisor.reaper import Reaper, in_words
from minibento.processes.verdict import verdict
from minibento.processes.vitals import Vitals, VitalsPage

__all__ = ["WorkerProcess"]

_LOG = logging.getLogger("minibento")
# From the loss of its connection, which only its end can close, to the end itself.
_END_SECONDS = 1.0
# A loop that is at work has at least this share of a processor, on a crowded machine too.
_WORKING_SHARE = 0.1
# From when on a loop that stands still is looked at more closely: well before it counts as dead.
_STILL_SECONDS = 0.5


class WorkerProcess:
    """A worker that was started just now.

    Args:
        title: Its name: `api-worker-0`.
        channel: Our end of its control connection.
        vitals: Its page.
        received: Called with what it says beside being ready and failing.

    Attributes:
        pid: Once it has said it.
        ready: Resolves when it can answer; StartFailed if it never will.
        ended: Resolves to how it ended, in words.
        since: When it was started, monotonic seconds.
        debugging: Whether somebody is in a debugger in it.
        killed: Whether it was for a reason; it may live on for as long as the kernel is busy in it.
        fresh_bytes: Memory that it shared with no other process when it became ready.
    """

    def __init__(
        self,
        title: str,
        channel: socket.socket,
        vitals: VitalsPage,
        reaper: Reaper,
        received: "Callable[[WorkerProcess, dict[str, Any]], None]",
    ) -> None:
        loop = asyncio.get_running_loop()
        self.title = title
        self.pid: int | None = None
        self.ready: asyncio.Future[None] = loop.create_future()
        self.ended: asyncio.Future[str] = loop.create_future()
        self.since = time.monotonic()
        self.debugging = False
        self.fresh_bytes = 0
        self.killed = False
        self._loop = loop
        self._reaper = reaper
        self._page = vitals
        self._last = vitals.read()
        # Its last beat, when that was first seen, and the processor seconds used by then.
        self._stood = (0.0, 0.0, 0.0)
        # When it was last seen to want a processor while its loop stood still.
        self._kept = -math.inf
        self._pauses = Pauses()
        self._received = received
        self._control = Control(channel, self._said, self._lost)
        # A failure that nobody awaits any more is no warning.
        self.ready.add_done_callback(lambda ready: ready.cancelled() or ready.exception())

    @property
    def is_ready(self) -> bool:
        """Whether it became ready and has neither ended nor been killed."""
        done = self.ready.done() and self.ready.exception() is None
        return done and not self.ended.done() and not self.killed

    @property
    def vitals(self) -> Vitals:
        """What its page shows, or showed at its end."""
        if not self.ended.done():
            self._last = self._page.read()
        return self._last

    def known_as(self, pid: int) -> None:
        """Its process id is known."""
        if self.pid is None:
            self.pid = pid
            self._reaper.end_of(pid).add_done_callback(self._reaped)

    def say(self, document: dict[str, Any]) -> None:
        """Tell it something."""
        self._control.send(document)

    def kill(self, reason: str) -> None:
        """End it now; `reason` goes into the log, once: it may live on."""
        if self.ended.done() or self.killed:
            return
        self.killed = True
        _LOG.error("%s[%s] is killed: %s", self.title, self.pid or "?", reason)
        self.end_now()

    def end_now(self) -> None:
        """End it without a word."""
        if self.pid is None:
            self._control.close()
            self._over("never said its process id")
        else:
            self._reaper.kill(self.pid, signal.SIGKILL)

    @property
    def stopped(self) -> bool:
        """Whether the kernel shows it as stopped by a signal."""
        seen = look_at(self.pid) if self.pid is not None and not self.ended.done() else None
        return seen is not None and seen.stopped

    def trouble(self, now: float, silence: float) -> str | None:
        """Why it counts as dead, in words; None: it is well.

        Args:
            now: Monotonic seconds.
            silence: Seconds that its loop may stand still while nothing computes.
        """
        if self.pid is None or self.ended.done() or self.debugging:
            return None
        if not self.is_ready:  # its start has a limit of its own
            silence = math.inf
        seen = look_at(self.pid)
        if seen is None:
            return None
        # One that is kept from a processor is not dead, and another one would not get it either.
        # Asked before its page is read: it may go on, beat and sleep in between.
        if now - self._stood[1] > _STILL_SECONDS and wants_processor(self.pid):
            self._kept = now
        vitals = self._pauses.excused(self.vitals, now)
        if vitals.beat != self._stood[0]:
            self._stood = (vitals.beat, now, seen.cpu_seconds)
        _, since, before = self._stood
        busy = seen.cpu_seconds - before > _WORKING_SHARE * (now - since)
        # A while ago counts: it may only now begin to wait for its next beat.
        working = busy or now - self._kept < silence
        return verdict(vitals, now, silence, stopped=seen.stopped, working=working)

    def _said(self, document: dict[str, Any]) -> None:
        if "hello" in document:
            self.known_as(document["hello"])
        elif "ready" in document:
            if not self.ready.done():
                self.fresh_bytes = private_bytes(self.pid) or 0
                self.ready.set_result(None)
        elif "failed" in document:
            self._fail(StartFailed.told(document["failed"]))
        elif "debugging" in document:
            self.debugging = document["debugging"]
        else:
            self._received(self, document)

    def _fail(self, failure: StartFailed) -> None:
        if not self.ready.done():
            self.ready.set_exception(failure)
        else:
            said = f"{self.title}[{self.pid}] failed: {failure}"
            with_traceback(_LOG, logging.ERROR, said, failure.traceback)

    def _lost(self) -> None:
        if self.pid is None:
            self._over("ended before it had begun")
        else:
            self._loop.call_later(_END_SECONDS, self._reaper.kill, self.pid, signal.SIGKILL)

    def _reaped(self, end: "asyncio.Future[int]") -> None:
        if not end.cancelled():
            assert self.pid is not None
            end_group(self.pid)  # what user code has started in it
            self._control.drain()
            self._over(in_words(end.result()))

    def _over(self, words: str) -> None:
        if self.ended.done():
            return
        self._last = self._page.read()
        self._fail_quietly(words)
        self.ended.set_result(words)
        self._control.close()
        self._page.close()

    def _fail_quietly(self, words: str) -> None:
        if not self.ready.done():
            self.ready.set_exception(StartFailed(f"{self.title} ended while it started: {words}"))
