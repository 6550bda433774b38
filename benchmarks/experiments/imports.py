"""How long a user waits before anything happens: the import and `minibento --help`."""

import statistics
import subprocess
import sys
import time

from benchmarks.failures import MeasurementFailed
from benchmarks.report import Goal, Report
from benchmarks.rounds import interleave
from benchmarks.settings import Settings
from benchmarks.workplace import ROOT

__all__ = ["run"]

BARE = "bare interpreter"
COMMANDS = {
    BARE: ["-c", "pass"],
    "import minibento": ["-c", "import minibento"],
    # What the installed script does.
    "minibento --help": ["-c", "from minibento.cli.main import main; main()", "--help"],
}
BOUNDS_MS = {"import minibento": 60.0, "minibento --help": 120.0}


def run(settings: Settings) -> list[Report]:
    """Wall time of whole processes, the disk's cache warm."""
    interleave(list(COMMANDS), 1, _start)
    measured = interleave(list(COMMANDS), settings.starts, _start)
    medians = {case: statistics.median(found) * 1e3 for case, found in measured.figures.items()}
    over = {case: medians[case] - medians[BARE] for case in medians}
    return [
        Report(
            "Start-up",
            f"Medians of {settings.starts} interleaved starts of a process.",
            ["command", "ms", "over bare, ms"],
            [
                [case, f"{medians[case]:.1f}", f"{over[case]:.1f}"]
                if case in over
                else [case, "-", "-"]
                for case in COMMANDS
            ],
            [
                Goal(f"{case} over the bare interpreter", over.get(case), at_most=bound, unit=" ms")
                for case, bound in BOUNDS_MS.items()
            ],
            measured.failures,
        )
    ]


def _start(case: str) -> float:
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *COMMANDS[case]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    took = time.perf_counter() - start
    if done.returncode:
        raise MeasurementFailed(f"ended with {done.returncode}: {done.stderr[-200:]}")
    return took
