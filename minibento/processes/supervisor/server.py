"""The supervisor: wires sockets, generations, signals and whoever asks; loads no user code."""

import asyncio
import logging
import math
import os
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from minibento.config.settings import Config
from minibento.errors import MinibentoError, Unavailable
from minibento.log import with_traceback
from minibento.metrics import Family, Metrics
from minibento.processes import parentage, rundir
from minibento.processes.notify import Notify
from minibento.processes.orphans import children, end_what_is_left
from minibento.processes.place import Place
from minibento.processes.sockets import Port
from minibento.processes.supervisor.admin import Admin
from minibento.processes.supervisor.failure import StartFailed
from minibento.processes.supervisor.generation import Generation
from minibento.processes.supervisor.numbers import Numbers
from minibento.processes.supervisor.plan import Plan
from minibento.processes.supervisor.reaper import Reaper
from minibento.processes.supervisor.scrape import Scrape
from minibento.processes.supervisor.status import processes
from minibento.processes.supervisor.succession import Succession, done_before
from minibento.processes.supervisor.worker_process import WorkerProcess
from minibento.processes.terminal import Terminal
from minibento.processes.watch_files import Watch, snapshot

__all__ = ["Server"]

_LOG = logging.getLogger("minibento")
_ROUND_SECONDS = 0.25
# A supervisor that was itself held up for so long judges nobody until all have had time to beat.
_LATE_SECONDS, _PATIENCE_SECONDS = 0.5, 1.5
# From a second Ctrl-C to the end, whatever still runs.
_HASTE_SECONDS = 2.0
_FIRST_TRIES = 3
_OBEYED = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD}
# What shells show of a command that Ctrl-C has ended: of a server only before it was one.
_INTERRUPTED = 130


class Server:
    """One running server, from its sockets to its end.

    Args:
        locate: Says where the service is, at the start and at each reload.
        config: Read already.
        port: That it listens on; closed at its end.
        target: As the user wrote it, for `minibento status`.
        watching: Whether to reload when a file of the service changes.
        on_ready: Called with its name and its models' versions when it answers.

    Attributes:
        state: `starting`, `ready`, `reloading` or `stopping`.
    """

    def __init__(
        self,
        locate: Callable[[], Place],
        config: Config,
        port: Port,
        target: str,
        *,
        watching: bool,
        on_ready: Callable[[str, dict[str, str]], None],
    ) -> None:
        self.state = "starting"
        self._locate = locate
        self._config = config
        self._port = port
        self._target = target
        self._files = Watch(lambda: snapshot(locate().folder)) if watching else None
        self._on_ready = on_ready
        self._started = datetime.now(UTC)
        self._began = time.monotonic()
        self._stopping = asyncio.Event()
        self._interrupted = self._hasty = False
        self._exit_code = 0
        self._reloading = asyncio.Lock()
        self._patient_until = 0.0
        # Children have breakpoints, and with them the terminal, only in development.
        self._terminal = Terminal.controlling() if watching else None
        self._watching: asyncio.Task[None] | None = None
        self._hup: asyncio.Task[None] | None = None
        self._hung_up = False

    async def run(self) -> int:
        """Serve until SIGTERM or Ctrl-C; the exit code.

        Raises:
            MinibentoError: it did not start.
        """
        loop = asyncio.get_running_loop()
        # What became a server by exec may have had children of its own.
        others = children()
        parentage.become_subreaper()
        reaper = Reaper(loop, self._collected)
        self._notify = Notify(os.environ)
        self._obey_signals(loop)
        directory = self._directory = rundir.make(rundir.base(os.environ, _LOG.warning))
        self._wire(reaper, directory)
        looking = loop.create_task(self._look())
        admin = Admin(directory.path / "control.sock", self._status, self.reload)
        try:
            await admin.start()
            await self._serve(directory)
        finally:
            looking.cancel()
            await admin.close()
            self._succession.end_now()
            for process in self._succession.workers():
                self._collected(process.pid)
            self._port.close()
            directory.remove()
            reaper.close()
            end_what_is_left(others)
            # A signal from now on would be written to a loop that is closed.
            signal.set_wakeup_fd(-1)
        return self._exit_code

    def _wire(self, reaper: Reaper, directory: rundir.RunDirectory) -> None:
        own = Metrics()
        numbers = Numbers(own)

        def counted() -> list[Family]:
            numbers.update(self._succession.generations)
            return own.snapshot()

        self._scrape = Scrape(lambda: list(self._succession.workers()), counted)
        plan = Plan(
            self._locate,
            self._config,
            self._port.sockets,
            directory.path,
            self._files is not None,
            reaper,
            self._received,
            self._ended,
        )
        self._succession = Succession(plan, numbers, self._stopping)

    async def _serve(self, directory: rundir.RunDirectory) -> None:
        starting = asyncio.ensure_future(self._first_start())
        if not await done_before(self._stopping, starting):
            self._exit_code = _INTERRUPTED if self._interrupted else 0
            return
        current = self._begun(starting)
        self.state = "ready"
        name = self._name
        directory.publish(name, self._port.url)
        self._notify.ready(f"serving {name} on {self._port.url}")
        self._on_ready(name, current.versions)
        if self._files is not None:
            self._watching = asyncio.ensure_future(self._watch(self._files))
        await self._stopping.wait()
        await self._leave()

    def _begun(self, starting: "asyncio.Future[Generation]") -> Generation:
        try:
            return starting.result()
        except StartFailed as failure:
            if failure.final or not failure.traceback:
                raise
            said = f"{self._name} did not start: {failure}"
            raise StartFailed(said, failure.traceback) from failure

    async def _first_start(self) -> Generation:
        while True:
            try:
                return await self._succession.begin(_FIRST_TRIES)
            except MinibentoError as error:
                if self._files is None:
                    raise
                with_traceback(_LOG, logging.ERROR, str(error), getattr(error, "traceback", ""))
                _LOG.info("it is tried again when a file has changed")
                await self._files.changed()

    async def reload(self, say: Callable[[str], None]) -> dict[str, Any]:
        """Bring up the service anew, as code and store are now, and let the old one leave.

        Raises:
            MinibentoError: the new one did not become ready; the old one goes on.
        """
        if self.state == "starting":
            raise Unavailable("the server is starting: reload it when it is ready")
        async with self._reloading:
            if self._stopping.is_set():
                raise Unavailable("the server is stopping")
            self.state = "reloading"
            self._notify.reloading()
            try:
                say(f"starting generation {self._succession.following} of {self._name}")
                return await self._succession.renew()
            finally:
                if not self._stopping.is_set():
                    self.state = "ready"
                    self._notify.ready("")

    async def _leave(self) -> None:
        """Answer what has been accepted, then end."""
        self.state = "stopping"
        self._notify.stopping()
        async with self._reloading:
            pass  # one under way has given up, or taken over, or is not begun any more
        if self._watching is not None:
            self._watching.cancel()
        # Who comes when it is closed is refused at once, instead of waiting for nobody.
        await self._succession.leave(self._config.grace, self._port.close)

    def _obey_signals(self, loop: asyncio.AbstractEventLoop) -> None:
        # Who started this may have blocked them, and that is inherited.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _OBEYED)
        loop.add_signal_handler(signal.SIGTERM, self._terminate)
        loop.add_signal_handler(signal.SIGINT, self._interrupt)
        if sys.stdin is not None and sys.stdin.isatty():
            loop.add_signal_handler(signal.SIGHUP, self._terminate)
        else:
            loop.add_signal_handler(signal.SIGHUP, self._hang_up)

    def _terminate(self) -> None:
        self._stopping.set()

    def _interrupt(self) -> None:
        if not self._stopping.is_set():
            self._interrupted = True
            self._stopping.set()
        elif not self._hasty:
            self._hasty = True
            self._succession.haste()
            asyncio.get_running_loop().call_later(_HASTE_SECONDS, self._succession.end_now)

    def _collected(self, pid: int | None) -> None:
        """A child has ended, perhaps with the terminal in its hands."""
        if self._terminal is not None and pid is not None:
            self._terminal.reclaim(pid)

    def _hang_up(self) -> None:
        """Reload; once more, if one was under way, and not once for each of many signals."""
        self._hung_up = True
        if self._hup is None or self._hup.done():
            self._hup = asyncio.ensure_future(self._reload_as_long_as_hung_up())

    async def _reload_as_long_as_hung_up(self) -> None:
        while self._hung_up:
            self._hung_up = False
            await self._reload_for_nobody()

    async def _reload_for_nobody(self) -> None:
        """Where nobody waits to hear how it went, the log does."""
        try:
            await self.reload(lambda _: None)
        except MinibentoError:
            pass  # it has been logged, or comes too early or too late
        except Exception:  # noqa: BLE001 - the server goes on, whatever it is
            _LOG.exception("a reload failed in a way that was not expected here")

    async def _look(self) -> None:
        """Judge every worker, again and again."""
        expected = told = time.monotonic()
        gone = False
        while True:
            now = time.monotonic()
            if now - expected > _LATE_SECONDS:
                self._patient_until = now + _PATIENCE_SECONDS
            if now >= self._patient_until:
                self._succession.look(now)
            if now >= told + (self._notify.watchdog_seconds or math.inf):
                self._notify.watchdog()
                told = now
            if not gone and self._directory.is_gone:
                gone = True
                _LOG.error(
                    "the run directory %s was removed: reload and status cannot find this server, "
                    "nor its processes each other when one is replaced; restart it",
                    self._directory.path,
                )
            expected = now + _ROUND_SECONDS
            await asyncio.sleep(_ROUND_SECONDS)

    def _received(self, process: WorkerProcess, document: dict[str, Any]) -> None:
        if "metrics" in document:
            self._scrape.reported(process, document)
        elif "ask" in document:
            self._scrape.asked(process, document["ask"])
        else:
            self._succession.heard(process, document)

    def _ended(self, process: WorkerProcess) -> None:
        self._succession.heard(process, {"ended": True})

    async def _watch(self, files: Watch) -> None:
        """Reload whenever a file of the service has changed."""
        while True:
            changed = await files.changed()
            _LOG.info("%s changed", ", ".join(changed))
            await self._reload_for_nobody()  # if it fails, the last good version goes on

    def _status(self) -> dict[str, Any]:
        current = self._succession.current
        unready = self.state == "ready" and current is not None and not current.ready
        return {
            "name": self._name,
            "pid": os.getpid(),
            "url": self._port.url,
            "target": self._target,
            "started": self._started.isoformat(timespec="seconds"),
            "state": "unready" if unready else self.state,
            "generation": 0 if current is None else current.number,
            "bundle": None if current is None else current.place.bundle_tag,
            "processes": processes(self._succession.generations, current, self._began),
        }

    @property
    def _name(self) -> str:
        return self._config.name or self._succession.name or self._target
