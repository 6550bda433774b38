"""What one more worker of the forest costs in memory: forked ones share the model's pages."""

import json
import statistics
import subprocess
import sys
from collections.abc import Callable
from functools import partial

from benchmarks.closed_loop import load
from benchmarks.contestants import processes
from benchmarks.failures import MeasurementFailed
from benchmarks.kernel import family, proportional_bytes
from benchmarks.report import Goal, Report
from benchmarks.rounds import interleave
from benchmarks.server import Server
from benchmarks.settings import Settings
from benchmarks.workplace import ROOT

__all__ = ["run"]

LONE = "lone process"
BOUND = 15.0
# Loads the model, answers once, says what it takes.
SCRIPT = """
import json, os, pickle, sys
from benchmarks.kernel import proportional_bytes
model = pickle.loads(open(os.environ["BENCH_PICKLE"], "rb").read())
model.predict_proba(json.load(open(sys.argv[1])))
print(proportional_bytes(os.getpid()))
"""


def run(settings: Settings) -> list[Report]:
    """One at a time: what runs beside would share the libraries' pages, and take its part."""
    settings.place.save("forest")
    measure: dict[str, Callable[[], float]] = {LONE: partial(_lone, settings)}
    for workers in (1, 2, 3):
        measure[f"{workers} workers"] = partial(_tree, settings, workers)
    measured = interleave(list(measure), min(settings.rounds, 3), lambda case: measure[case]())
    medians = {case: statistics.median(found) for case, found in measured.figures.items()}
    lone = medians.get(LONE)
    more = (
        (medians["3 workers"] - medians["2 workers"]) / medians[LONE] * 100
        if {LONE, "2 workers", "3 workers"} <= medians.keys()
        else None
    )
    return [
        Report(
            "Memory of the forest's workers",
            "PSS of all processes of the server, after a load of 1 s at 128 connections; the "
            "lone process holds the model without a server.",
            ["case", "MiB", "of lone"],
            [
                [
                    case,
                    f"{medians[case] / 2**20:.0f}",
                    f"{medians[case] / lone:.2f}" if lone else "-",
                ]
                if case in medians
                else [case, "-", "-"]
                for case in measure
            ],
            [Goal("the third worker, of the lone process", more, at_most=BOUND, unit=" %")],
            measured.failures,
        )
    ]


def _lone(settings: Settings) -> float:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(settings.place.directory / "rows.json")],
        cwd=ROOT,
        env=settings.place.variables("forest"),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise MeasurementFailed(f"ended with {done.returncode}: {done.stderr[-200:]}")
    return float(json.loads(done.stdout))


def _tree(settings: Settings, workers: int) -> float:
    options = ("--set", f"runners.model.workers={workers}")
    contestant = processes(settings.place, "forest", f"{workers}-workers", *options)
    with Server(contestant, settings.place.directory) as server:
        load(server, 128, 1, settings)
        return float(sum(map(proportional_bytes, family(server.pid))))
