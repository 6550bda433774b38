"""From the kill of a process to the next answer, by role."""

import os
import signal
import statistics
import time
from collections.abc import Callable

from benchmarks.contestants import processes
from benchmarks.failures import MeasurementFailed
from benchmarks.family import pids, status
from benchmarks.field import running
from benchmarks.report import Goal, Report
from benchmarks.rounds import interleave
from benchmarks.server import Server
from benchmarks.settings import Settings

__all__ = ["run"]

NAME = "processes"
BOUNDS_MS = {"runner-worker": 250.0, "api-worker": 500.0, "runner-nursery": None}
# Deaths that follow each other faster than 5 in 10 s are answered with pauses, on purpose.
PAUSE_SECONDS = 2.1
WHOLE_SECONDS = 20.0
COLUMNS = ("killed", "kills", "next answer ms, median", "largest", "whole again ms", "largest ")


def run(settings: Settings) -> list[Report]:
    """One worker of each role, killed by SIGKILL, in turn; the next request is sent at once."""
    kills = 2 if settings.rounds == 1 else 20
    contestant = processes(settings.place, "light", NAME)
    with running([contestant], settings.place.directory) as field:
        servers = field.servers
        cases = list(BOUNDS_MS) if NAME in servers else []
        measured = interleave(cases, kills, lambda role: _killed(servers[NAME], role))
    found = measured.figures
    return [
        Report(
            "Recovery",
            f"Light model, one API worker, one runner worker, {kills} kills each, "
            f"{PAUSE_SECONDS:g} s apart. `next answer`: from SIGKILL to the answer to a request "
            "that is sent at once on a new connection (sent again where the connection broke). "
            "`whole again`: until another process has its place.",
            COLUMNS,
            [_row(role, found.get(role, [])) for role in BOUNDS_MS],
            [
                Goal(
                    f"next answer after a {role}, largest of {kills}",
                    max(answered for answered, _ in found[role]) * 1e3 if role in found else None,
                    at_most=bound,
                    unit=" ms",
                )
                for role, bound in BOUNDS_MS.items()
                if bound is not None
            ],
            {**field.failures, **measured.failures},
        )
    ]


def _killed(server: Server, role: str) -> tuple[float, float]:
    """Seconds to the next answer, and until it is replaced."""
    [pid] = pids(server, role)
    start = time.perf_counter()
    os.kill(pid, signal.SIGKILL)
    _until(lambda: _answers(server), "has not answered")
    answered = time.perf_counter() - start
    _until(lambda: _replaced(server, role, pid), f"has no new {role}")
    whole = time.perf_counter() - start
    time.sleep(PAUSE_SECONDS)
    return answered, whole


def _answers(server: Server) -> bool:
    try:
        return server.settle(WHOLE_SECONDS)
    except (MeasurementFailed, OSError):  # its connection was the killed one's
        return False


def _replaced(server: Server, role: str, pid: int) -> bool:
    return any(
        one["role"] == role and one["pid"] != pid and one["state"] in {"ready", "idle", "computing"}
        for one in status(server)
    )


def _until(true: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + WHOLE_SECONDS
    while not true():
        if time.monotonic() > end:
            raise MeasurementFailed(f"{what} in {WHOLE_SECONDS:g} s")
        time.sleep(0.001)


def _row(role: str, found: list[tuple[float, float]]) -> list[str]:
    if not found:
        return [role, *["-"] * 5]
    cells = [
        f"{measure(one) * 1e3:.0f}"
        for one in zip(*found, strict=True)
        for measure in (statistics.median, max)
    ]
    return [role, str(len(found)), *cells]
