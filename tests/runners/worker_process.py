"""A runner worker in a process of its own, as the tests start it; `python -m` with a JSON spec.

The spec: `fd` of a listening socket, `source` as `Source.spec` gave it, `options` of the runner,
`fork`: load first, with one thread, and serve from a forked child.
"""

import asyncio
import json
import os
import signal
import socket
import sys
from typing import Any

from minibento.metrics import Metrics
from minibento.models.sources import source_from
from minibento.processes.parentage import die_with_parent
from minibento.runners.options import Options
from minibento.runners.worker import Worker
from minibento.wire.unix import Listener


async def serve(spec: dict[str, Any], runnable: Any) -> None:
    """Load what is not loaded, then answer until the process is told to stop."""
    options = Options(**spec.get("options", {}))
    worker = Worker("model", source_from(spec["source"]), options, Metrics(), runnable=runnable)
    await worker.start()
    listener = Listener(socket.socket(fileno=spec["fd"]), worker.serve)
    listener.start()
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    await told.wait()
    listener.close()
    await worker.stop(10)


def main() -> None:
    """Serve, perhaps from a child."""
    spec = json.loads(sys.argv[1])
    runnable = None
    if spec.get("fork"):
        runnable = source_from(spec["source"]).load()
        parent = os.getpid()
        if (child := os.fork()) != 0:
            os.waitpid(child, 0)
            return
        die_with_parent(parent)
    asyncio.run(serve(spec, runnable))


if __name__ == "__main__":
    main()
