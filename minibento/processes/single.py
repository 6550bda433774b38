"""A whole server in one process, for systems without what the supervisor needs; knows no children.

Linux has child subreapers, memfd and descriptors over sockets; elsewhere the same service, with its
runners embedded, answers from one process.
"""

import asyncio
import os
import signal
from collections.abc import Callable
from typing import Any

from minibento.asgi.collector import keep_what_is_loaded
from minibento.asgi.service import Service
from minibento.asgi.serving import Serving
from minibento.config.runners import check_runners, runner_options, without_place
from minibento.config.settings import Config
from minibento.processes import loops
from minibento.processes.describe import described
from minibento.processes.http_server import HttpServer
from minibento.processes.place import Place, enter_bundle
from minibento.processes.sockets import Port
from minibento.processes.user_service import service_at
from minibento.runners.options import Options
from minibento.runners.runner import Runner

__all__ = ["serve_in_one_process"]

# From a second Ctrl-C to the end, whatever still runs.
_HASTE_SECONDS = 2.0


def serve_in_one_process(
    place: Place, config: Config, port: Port, on_ready: Callable[[str, dict[str, str]], None]
) -> int:
    """Serve until SIGTERM or Ctrl-C; the exit code.

    Args:
        on_ready: Called with the service's name and its models' versions when it answers.

    Raises:
        TargetError: the service cannot be imported.
        Exception: what its start raised.
    """
    enter_bundle(None if place.bundle is None else str(place.bundle))
    service = service_at(place)
    known = described(service)["runners"]
    config = check_runners(config, known)
    for name, runner in service.declaration.runners.items():
        if isinstance(runner, Runner):
            options = runner_options(config.runners.get(name), known[name]["options"])
            runner.options = Options.read(without_place(options))
    versions = {name: one["version"] for name, one in known.items()}
    service.serving = Serving.configured(config)
    return loops.run(_serve(service, config, port, lambda: on_ready(service.name, versions)))


async def _serve(
    service: Service[Any], config: Config, port: Port, on_ready: Callable[[], None]
) -> int:
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    server = HttpServer(service, config)

    def interrupted() -> None:
        if stopping.is_set():
            server.haste()
            loop.call_later(_HASTE_SECONDS, os._exit, 0)
        stopping.set()

    loop.add_signal_handler(signal.SIGTERM, stopping.set)
    loop.add_signal_handler(signal.SIGINT, interrupted)
    await service.start()
    keep_what_is_loaded()
    await server.start(port.sockets)
    on_ready()
    await stopping.wait()
    service.leave()
    await server.stop(config.grace)
    await service.stop()
    return 0
