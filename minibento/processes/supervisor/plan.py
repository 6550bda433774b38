"""What all generations of a server have in common: where it is, how it runs, who is told."""

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from minibento.config.settings import Config
from minibento.processes.place import Place
from minibento.processes.supervisor.nursery import Received
from minibento.processes.supervisor.reaper import Reaper
from minibento.processes.supervisor.worker_process import WorkerProcess

__all__ = ["Plan"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What every generation of a server has in common.

    Attributes:
        locate: Says where the service is; asked once for each generation.
        config: As read at the server's start.
        sockets: Listening TCP sockets, one for each API worker.
        directory: Of the runners' sockets.
        watching: Whether somebody develops the service: its errors are shown to callers.
        reaper: Of the supervisor.
        received: Called with what a worker says.
        ended: Called with a worker that has ended.
    """

    locate: Callable[[], Place]
    config: Config
    sockets: Sequence[socket.socket]
    directory: Path
    watching: bool
    reaper: Reaper
    received: Received
    ended: Callable[[WorkerProcess], None]
