"""How long a server takes to its first answer, over what its service and model take to load."""

import http.client
import statistics
import subprocess
import sys
import time

from benchmarks.contestants import processes
from benchmarks.failures import MeasurementFailed
from benchmarks.report import Goal, Report
from benchmarks.rounds import interleave
from benchmarks.server import Server
from benchmarks.settings import Settings
from benchmarks.workplace import ROOT

__all__ = ["run"]

BARE = "import the service, load the model"
SERVE = "minibento serve"
BOUND_MS = 300.0
# What each of the server's processes must do too, in one that serves nothing.
SCRIPT = "import benchmarks.servers.minibento_model as m; m.Credit.declaration; {load}"
LOAD = "import os, minibento.sklearn; minibento.sklearn.load_model(os.environ['BENCH_TAG'])"


def run(settings: Settings) -> list[Report]:
    """Wall time of whole starts, the disk's cache warm."""
    settings.place.save("light")
    cases = [BARE, SERVE]
    interleave(cases, 1, lambda case: _start(case, settings))
    measured = interleave(cases, settings.starts, lambda case: _start(case, settings))
    medians = {case: statistics.median(found) * 1e3 for case, found in measured.figures.items()}
    over = medians[SERVE] - medians[BARE] if len(medians) == len(cases) else None
    return [
        Report(
            "Start to the first answer",
            f"Light model; medians of {settings.starts} interleaved starts; the server is asked "
            "again and again until it answers rightly.",
            ["case", "ms", "min..max"],
            [
                [
                    case,
                    f"{medians[case]:.0f}",
                    f"{min(found) * 1e3:.0f}..{max(found) * 1e3:.0f}",
                ]
                for case, found in measured.figures.items()
            ],
            [Goal(f"{SERVE} over `{BARE}`", over, at_most=BOUND_MS, unit=" ms")],
            measured.failures,
        )
    ]


def _start(case: str, settings: Settings) -> float:
    return _bare(settings) if case == BARE else _served(settings)


def _bare(settings: Settings) -> float:
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(load=LOAD)],
        cwd=ROOT,
        env=settings.place.variables("light"),
        capture_output=True,
        text=True,
        check=False,
    )
    took = time.perf_counter() - start
    if done.returncode:
        raise MeasurementFailed(f"ended with {done.returncode}: {done.stderr[-200:]}")
    return took


def _served(settings: Settings) -> float:
    server = Server(processes(settings.place, "light", "startup"), settings.place.directory)
    start = time.perf_counter()
    try:
        server.start()
        return _first_answer(server) - start
    finally:
        server.stop()


def _first_answer(server: Server) -> float:
    end = time.perf_counter() + 60
    while (now := time.perf_counter()) < end:
        try:
            if server.settle(5):
                return time.perf_counter()
        except (MeasurementFailed, OSError, http.client.HTTPException):
            time.sleep(0.002)
    raise MeasurementFailed(f"no answer in {now:.0f} s")
