"""The process of one API worker: wires the service, its runners' connections and the HTTP door."""

import asyncio
import socket
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minibento.asgi.collector import keep_what_is_loaded
from minibento.asgi.service import Service
from minibento.asgi.serving import Serving
from minibento.config.settings import Config
from minibento.errors import MinibentoError
from minibento.metrics import Metrics
from minibento.models.resolving import pin, recording
from minibento.processes import loops
from minibento.processes.control import Control
from minibento.processes.describe import described
from minibento.processes.place import Place
from minibento.processes.reporting import Reporting
from minibento.processes.stall import StallWatch
from minibento.processes.user_service import service_at
from minibento.processes.vitals import VitalsPage
from minibento.runners.options import Options
from minibento.runners.remote import ProcessEngine
from minibento.runners.runner import Runner

if TYPE_CHECKING:
    from minibento.processes.http_server import HttpServer

__all__ = ["ImportedService"]

# Runners are stopped and hooks run within this time once the last request is answered.
_HOOKS_SECONDS = 10.0


class ImportedService:
    """The user's service, imported once; its instance is made in each worker."""

    def __init__(self, first: dict[str, Any]) -> None:
        pin(first["pins"])
        with recording() as found:
            self._service = service_at(Place.from_json(first["place"]))
        self._pins = {**first["pins"], **found}
        # What is asked again later, such as in `__init__`, has the same answer.
        pin(found)

    def described(self) -> dict[str, Any]:
        """The service's runners, and the versions its tags stand for in this run."""
        return {**described(self._service), "pins": self._pins}

    def complete(self) -> None:
        """What the first request would have to wait for; the model is loaded elsewhere meanwhile.

        The event loop's library, the HTTP door, and what the runners' items need, such as pandas.
        """
        loops.load()
        import_module("minibento.processes.http_server")
        import_module("uvicorn.lifespan.off")  # which uvicorn looks up for itself
        for runner in self._service.declaration.runners.values():
            if isinstance(runner, Runner):
                with suppress(MinibentoError):  # the call says so that needs it
                    runner.make_handles()

    def serve(
        self,
        worker: dict[str, Any],
        channel: socket.socket,
        listening: socket.socket,
        vitals: VitalsPage,
    ) -> int:
        """Answer requests until told to stop."""
        return loops.run(ApiWorker(self._service, worker, channel, listening, vitals).run())


class ApiWorker:
    """One API worker from its start to its end, told by the supervisor."""

    def __init__(
        self,
        service: Service[Any],
        spec: dict[str, Any],
        channel: socket.socket,
        listening: socket.socket,
        vitals: VitalsPage,
    ) -> None:
        self._service = service
        self._spec = spec
        self._config = Config.from_json(spec["config"])
        self._listening = listening
        self._vitals = vitals
        self._channel = channel
        self._in_debugger = False
        self._server: HttpServer | None = None
        self._engines: dict[str, ProcessEngine] = {}
        self._asks = count(1)
        self._metrics_asked: dict[int, asyncio.Future[Any]] = {}
        self._commands: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def run(self) -> int:
        """Start, serve and leave."""
        self._control = Control(self._channel, self._received, self._orphaned)
        self._reporting = Reporting(self._control, self._vitals, self._under_way, self._answered)
        stall = StallWatch(lambda: self._in_debugger)
        stall.start()
        if self._spec["develop"] is not None:
            self._expect_breakpoints(Path(self._spec["develop"]))
        self._place_runners()
        self._service.serving = self._serving()
        await self._service.start()
        keep_what_is_loaded()
        self._reporting.count(self._service.metrics)
        from minibento.processes.http_server import HttpServer  # see ImportedService.complete

        self._server = server = HttpServer(
            self._service, self._config, metrics=self._service.metrics
        )
        self._control.send({"ready": True})
        await self._obey(server)
        try:
            async with asyncio.timeout(_HOOKS_SECONDS):
                await self._service.stop()
        finally:
            stall.close()
            self._reporting.tell()
        return 0

    async def _obey(self, server: "HttpServer") -> None:
        """Do what the supervisor says until it says to leave."""
        accepts = False
        while True:
            command = await self._commands.get()
            if "go" in command:
                # Who came while all were told is told once more.
                if not accepts:
                    accepts = True
                    await server.start([self._listening])
                    self._control.send({"accepting": True})
            elif "retire" in command:
                await self._left(server, server.retire(command["retire"]))
                return
            elif "stop" in command:
                self._service.leave()
                await self._left(server, server.stop(command["stop"]))
                return

    async def _left(self, server: "HttpServer", leaving: Coroutine[Any, Any, None]) -> None:
        """Leave by the door, and say when nobody is let in any more."""
        left = asyncio.ensure_future(leaving)
        await server.closed.wait()
        self._control.send({"retiring": True})
        await left

    def _received(self, document: dict[str, Any]) -> None:
        if "haste" in document:
            if self._server is not None:
                self._server.haste()
        elif "report" in document:
            self._reporting.tell(document["report"])
        elif "totals" in document:
            asked = self._metrics_asked.pop(document["ask"], None)
            if asked is not None and not asked.done():
                asked.set_result(document["totals"])
        elif "poison" in document and document["runner"] in self._engines:
            self._engines[document["runner"]].refuse(document["poison"])
        else:
            self._commands.put_nowait(document)

    def _orphaned(self) -> None:
        self._commands.put_nowait({"stop": 0.0})

    def _place_runners(self) -> None:
        for name, runner in self._service.declaration.runners.items():
            placed: Mapping[str, Any] | None = self._spec["runners"].get(name)
            if placed is None or not isinstance(runner, Runner):
                continue
            runner.options = Options.read(placed["options"])
            if placed["slots"] is not None:
                runner.placed(partial(self._engine, placed["slots"]))

    def _engine(self, slots: list[str], runner: Runner, metrics: Metrics) -> ProcessEngine:
        def poisoned(digest: str) -> None:
            self._control.send({"poison": digest, "runner": runner.name})

        engine = ProcessEngine(
            runner.name,
            runner.version,
            slots,
            runner.source.methods,
            runner.options.max_queue,
            metrics,
            poisoned,
        )
        self._engines[runner.name] = engine
        return engine

    def _serving(self) -> Serving:
        configured = Serving.configured(self._config)
        developing = self._spec["develop"] is not None
        return replace(configured, show_errors=developing, metrics_source=self._whole_server)

    async def _whole_server(self) -> list[Any]:
        """The metrics of all processes, from the supervisor."""
        number = next(self._asks)
        asked = asyncio.get_running_loop().create_future()
        self._metrics_asked[number] = asked
        self._control.send({"ask": number})
        totals: list[Any] = await asked
        return totals

    def _under_way(self) -> int:
        return 0 if self._server is None else self._server.under_way

    def _answered(self) -> int:
        return 0 if self._server is None else self._server.requests

    def _expect_breakpoints(self, lock: Path) -> None:
        from minibento.processes.debugger import install  # loads pdb

        def debugging(active: bool) -> None:
            self._in_debugger = active
            # The loop stands still in a debugger, so this has left when it returns.
            self._control.send({"debugging": active})

        install(debugging, lock)
