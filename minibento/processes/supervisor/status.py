"""What `minibento status` shows of a running server; reads its processes, changes nothing."""

import os
import time
from collections.abc import Iterator, Sequence
from typing import Any

from minibento.processes.supervisor.generation import Generation
from minibento.processes.supervisor.group import Group
from minibento.processes.supervisor.kernel_view import private_bytes
from minibento.processes.supervisor.worker_process import WorkerProcess

__all__ = ["processes"]


def processes(
    generations: Sequence[Generation], current: Generation | None, started: float
) -> list[dict[str, Any]]:
    """All processes of a server, the supervisor first, those on their way out last.

    Args:
        current: The generation that takes requests.
        started: When the supervisor began, monotonic seconds.
    """
    now = time.monotonic()
    found = [_row("supervisor", os.getpid(), "ready", now - started)]
    for generation in generations:
        for group in generation.groups:
            found += _of_group(group, now, leaving=current not in (None, generation))
    return found


def _of_group(group: Group, now: float, *, leaving: bool) -> Iterator[dict[str, Any]]:
    about = {"runner": group.name or None, "version": group.version or None}
    nursery = group.nursery
    if nursery.pid is not None:
        state = "ready" if nursery.ready else "starting"
        row = _row(f"{group.role}-nursery", nursery.pid, state, now - nursery.since)
        yield row | about | {"restarts": nursery.restarts}
    slot_of = {slot.process: slot for slot in group.slots}
    for process in group.processes:
        slot = slot_of.get(process)
        gone = leaving or slot is None
        row = _row(f"{group.role}-worker", process.pid, _state(process, gone), now - process.since)
        yield (
            row
            | about
            | {
                "slot": None if slot is None else slot.number,
                "restarts": 0 if slot is None else slot.restarts,
                "recycled": 0 if slot is None else slot.recycled.total(),
                "recycled_why": None if slot is None else slot.recycled_why,
                "outstanding": process.vitals.outstanding,
            }
        )
    for slot in group.slots:
        # From a death to the next one that is ready: long, where starting does not help.
        if not leaving and slot.process is not None and slot.process.ended.done():
            row = _row(f"{group.role}-worker", None, "dead", None)
            yield row | about | {"slot": slot.number, "restarts": slot.restarts}


def _state(process: WorkerProcess, leaving: bool) -> str:
    if process.killed:
        return "dead"
    if process.stopped:
        return "stopped"
    if not process.is_ready:
        return "starting"
    if leaving:
        return "retiring"
    return "computing" if process.vitals.since is not None else "ready"


def _row(role: str, pid: int | None, state: str, uptime: float | None) -> dict[str, Any]:
    return {
        "role": role,
        "runner": None,
        "version": None,
        "slot": None,
        "pid": pid,
        "state": state,
        "uptime_seconds": None if uptime is None else round(uptime, 3),
        "restarts": 0,
        "recycled": 0,
        "recycled_why": None,
        "private_bytes": private_bytes(pid),
        "outstanding": None,
    }
