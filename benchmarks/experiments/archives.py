"""How fast a large model becomes one file and comes back, against copying and hashing that file."""

import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.failures import MeasurementFailed
from benchmarks.report import Goal, Report
from benchmarks.rounds import interleave
from benchmarks.settings import Settings

__all__ = ["run"]

SIZE = 500 << 20
BLOCK = 1 << 20
TIMES, EXTRA_MIB = 2.0, 64.0
COPY, OURS = "cp, sync, sha256sum, twice", "models export and import"
SAVE = """
import minibento
with minibento.models.create("large") as draft:
    with (draft.path / "weights.bin").open("wb") as file:
        for _ in range({blocks}):
            file.write(__import__("os").urandom({block}))
"""
# A process has at least the memory of the one that made it, as `wait4` counts; so a small one does.
WATCH = """
import os, sys
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(pid, 0)
print(usage.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""
_CLI = (sys.executable, "-m", "minibento.cli")


def run(settings: Settings) -> list[Report]:
    """Random bytes, which nothing compresses: a model's weights are much like it."""
    bench = _Bench(settings.place.directory / "archives")
    cases = [COPY, OURS]
    measured = interleave(cases, settings.rounds, bench.measure)
    seconds = {case: statistics.median(found) for case, found in measured.figures.items()}
    ratio = seconds[OURS] / seconds[COPY] if len(seconds) == len(cases) else None
    shutil.rmtree(bench.folder)
    return [
        Report(
            "A model of 500 MB as a file and back",
            f"Medians of {settings.rounds} interleaved rounds; the copies are of the same file.",
            ["way", "s", "min..max"],
            [
                [case, f"{seconds[case]:.2f}", f"{min(found):.2f}..{max(found):.2f}"]
                for case, found in measured.figures.items()
            ],
            [
                Goal(f"{OURS}, of `{COPY}`", ratio, at_most=TIMES),
                Goal("memory over idle", bench.extra_mib, at_most=EXTRA_MIB, unit=" MiB"),
                Goal("the archive, of the model", bench.stored, at_most=1.001),
            ],
            measured.failures,
        )
    ]


class _Bench:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.extra_mib: float | None = None
        self.stored: float | None = None
        folder.mkdir()
        self._home = {"MINIBENTO_HOME": str(folder / "home")}
        script = SAVE.format(blocks=SIZE // BLOCK, block=BLOCK)
        self._idle = _peak([*_CLI, "models", "list"], self._home)
        _peak([sys.executable, "-c", script], self._home)
        (self._weights,) = (folder / "home" / "models").glob("large/*/weights.bin")

    def measure(self, case: str) -> float:
        """Seconds of one round."""
        aside = self.folder / "aside"
        aside.mkdir()
        try:
            start = time.perf_counter()
            (self._copies if case == COPY else self._round_trip)(aside)
            return time.perf_counter() - start
        finally:
            shutil.rmtree(aside)

    def _copies(self, aside: Path) -> None:
        for number in range(2):
            copy = aside / str(number)
            for command in (["cp", self._weights, copy], ["sync", copy], ["sha256sum", copy]):
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    def _round_trip(self, aside: Path) -> None:
        archive = aside / "large.zip"
        there = {"MINIBENTO_HOME": str(aside / "home")}
        peaks = [
            _peak([*_CLI, "models", "export", "large", archive], self._home),
            _peak([*_CLI, "models", "import", "--trust", archive], there),
        ]
        self.extra_mib = max(self.extra_mib or 0.0, *(peak - self._idle for peak in peaks))
        self.stored = archive.stat().st_size / SIZE


def _peak(command: Sequence[str | Path], variables: dict[str, str]) -> float:
    """Run it; the most memory it had, in MiB."""
    done = subprocess.run(
        [sys.executable, "-S", "-c", WATCH, *command],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise MeasurementFailed(f"{' '.join(map(str, command))}: {done.stderr[-300:]}")
    return int(done.stdout.splitlines()[-1]) / 1024
