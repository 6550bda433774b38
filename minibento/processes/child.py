"""The program of every child of the supervisor: prepares what it is told, then forks or serves.

    python -m minibento.processes.child DESCRIPTOR [KIND]

The first document on the descriptor says what to prepare; where its kind is known before, what all
of that kind need is imported meanwhile. A nursery then forks a worker at each
further document, in a loop that blocks: no event loop, one thread. A lone worker, for what cannot
be forked, serves at once.
"""

import gc
import importlib
import os
import signal
import socket
import sys
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from minibento import log
from minibento.processes import control, parentage
from minibento.processes.forking import fork_worker, leave
from minibento.processes.one_thread import give_back
from minibento.processes.place import enter_bundle
from minibento.processes.told import told
from minibento.processes.vitals import VitalsPage

__all__ = ["Prepared", "main"]

_ROOMS = {
    "api": "minibento.processes.api_worker",
    "runner": "minibento.processes.runner_worker",
}


class Prepared(Protocol):
    """What a nursery holds ready: the imported service, or the loaded model."""

    def described(self) -> dict[str, Any]:
        """What the supervisor has to know of it."""
        ...

    def complete(self) -> None:
        """Import what its workers need beside, so that they need not, once each."""
        ...

    def serve(
        self,
        worker: dict[str, Any],
        channel: socket.socket,
        listening: socket.socket,
        vitals: VitalsPage,
    ) -> int:
        """Be one worker until told to stop; the exit code."""
        ...


def main() -> None:
    """Run as a child process."""
    channel = socket.socket(fileno=int(sys.argv[1]))
    # Descendants must not inherit it.
    channel.set_inheritable(False)
    _obey_the_supervisor_only()
    for kind in sys.argv[2:]:
        importlib.import_module(_ROOMS[kind])
    try:
        first, descriptors = control.receive(channel)
    except (EOFError, OSError):  # there is no need of it
        leave(0)
    parentage.die_with_parent(first["supervisor"])
    enter_bundle(first["bundle"])
    folder, lone = Path(first["folder"]), first.get("worker")
    _named((lone or first)["title"], first["log"])
    if lone is not None:
        leave(_worker(first, lone, descriptors))
    try:
        prepared = prepare(first)
        document = prepared.described()
    except BaseException as error:  # noqa: BLE001 - whatever user code raises
        control.send(channel, {"failed": told(error, folder)})
        leave(1)
    control.send(channel, {"prepared": document})
    prepared.complete()
    _fork_on_request(channel, first, prepared)


def prepare(first: dict[str, Any]) -> Prepared:
    """Import or load what the first document names."""
    if first["kind"] == "api":
        from minibento.processes.api_worker import ImportedService

        return ImportedService(first)
    from minibento.processes.runner_worker import LoadedModel

    return LoadedModel(first)


def _fork_on_request(channel: socket.socket, first: dict[str, Any], prepared: Prepared) -> None:
    # What is loaded would else be copied page by page as soon as a worker's collector walks it.
    gc.collect()
    gc.freeze()
    while True:
        try:
            request, descriptors = control.receive(channel)
        except (EOFError, OSError):
            leave(0)
        threads = parentage.threads()
        if threads > 1:
            control.send(channel, {"refused": threads})
        else:
            work = partial(_forked, channel, first, prepared, request["worker"], descriptors)
            try:
                fork_worker(work, first["supervisor"])
            except OSError as error:  # what is loaded is kept for when it can be done
                control.send(channel, {"unable": str(error)})
            else:
                control.send(channel, {"forked": True})
        for descriptor in descriptors:
            os.close(descriptor)


def _forked(
    channel: socket.socket,
    first: dict[str, Any],
    prepared: Prepared,
    worker: dict[str, Any],
    descriptors: list[int],
) -> int:
    channel.close()
    os.setpgid(0, 0)
    _named(worker["title"], first["log"])
    give_back(first["threads_before"])
    return _serve(prepared, worker, descriptors, Path(first["folder"]))


def _worker(first: dict[str, Any], worker: dict[str, Any], descriptors: list[int]) -> int:
    """Prepare and serve in this very process."""
    try:
        prepared = prepare(first)
    except BaseException as error:  # noqa: BLE001 - whatever user code raises
        with socket.socket(fileno=descriptors[0]) as channel:
            control.send(channel, {"failed": told(error, Path(first["folder"]))})
        return 1
    return _serve(prepared, worker, descriptors, Path(first["folder"]))


def _serve(prepared: Prepared, worker: dict[str, Any], descriptors: list[int], folder: Path) -> int:
    channel, listening = (socket.socket(fileno=one) for one in descriptors[:2])
    vitals = VitalsPage(descriptors[2])
    control.send(channel, {"hello": os.getpid()})
    try:
        return prepared.serve(worker, channel, listening, vitals)
    except BaseException as error:  # noqa: BLE001 - whatever user code raises
        channel.setblocking(True)
        control.send(channel, {"failed": told(error, folder)})
        return 1


def _named(title: str, how: dict[str, Any]) -> None:
    parentage.set_title(f"minibento: {title}")
    log.set_up(how["format"], how["level"], role=title)


def _obey_the_supervisor_only() -> None:
    """It alone says when a child ends, also where a terminal or systemd signals all of them.

    Handlers, not SIG_IGN: what user code starts must not inherit that it is ignored.
    """
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, lambda *_: None)


if __name__ == "__main__":
    main()
