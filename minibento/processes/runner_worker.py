"""The process of one runner worker: wires source, worker and the socket that its callers reach."""

import asyncio
import socket
import sys
from contextlib import suppress
from importlib import import_module
from typing import Any

from minibento.asgi.collector import keep_what_is_loaded
from minibento.metrics import Metrics
from minibento.models.resolving import pin
from minibento.models.sources import source_from
from minibento.processes import loops
from minibento.processes.control import Control
from minibento.processes.reporting import Reporting
from minibento.processes.vitals import VitalsPage
from minibento.runners.options import Options
from minibento.runners.worker import Worker
from minibento.wire.unix import Listener

__all__ = ["LoadedModel"]


class LoadedModel:
    """A runner's source, loaded where it may be shared by forking; it infers nothing here."""

    def __init__(self, first: dict[str, Any]) -> None:
        self._name: str = first["name"]
        self._options = Options.read(first["options"])
        if first["folder"] not in sys.path:
            sys.path.insert(0, first["folder"])
        pin(first["pins"])
        self._source = source_from(first["source"])
        self._runnable = self._source.load() if first["load"] else None

    def described(self) -> dict[str, Any]:
        """Nothing that the supervisor does not know."""
        return {}

    def complete(self) -> None:
        """The libraries of the event loop and of the numbers of threads."""
        loops.load()
        with suppress(ImportError):  # see use_threads
            import_module("threadpoolctl")

    def serve(
        self,
        worker: dict[str, Any],  # noqa: ARG002 - each of its workers is like the others
        channel: socket.socket,
        listening: socket.socket,
        vitals: VitalsPage,
    ) -> int:
        """Answer calls until told to stop."""
        return loops.run(self._serve(channel, listening, vitals))

    async def _serve(
        self,
        channel: socket.socket,
        listening: socket.socket,
        vitals: VitalsPage,
    ) -> int:
        stop: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        metrics = Metrics()
        worker = Worker(
            self._name,
            self._source,
            self._options,
            metrics,
            runnable=self._runnable,
            vitals=vitals,
            own_loop=True,
        )

        def received(document: dict[str, Any]) -> None:
            if "stop" in document and not stop.done():
                stop.set_result(document["stop"])
            elif "report" in document:
                reporting.tell(document["report"])

        # Without its supervisor it cannot be reached any more, nor told to stop.
        control = Control(channel, received, lambda: received({"stop": 0.0}))
        reporting = Reporting(
            control, vitals, lambda: worker.state().outstanding, lambda: worker.served
        )
        await worker.start()
        keep_what_is_loaded()
        listener = Listener(listening, worker.serve)
        listener.start()
        reporting.count(metrics)
        control.send({"ready": True})
        grace = await stop
        listener.close()
        await worker.stop(grace)
        reporting.tell()
        return 0
