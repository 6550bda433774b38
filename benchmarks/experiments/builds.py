"""How long a bundle of the example takes to build and how large it is, with BentoML beside it."""

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from benchmarks.failures import MeasurementFailed
from benchmarks.report import Goal, Report
from benchmarks.rounds import interleave
from benchmarks.settings import Settings
from benchmarks.workplace import ROOT

__all__ = ["run"]

EXAMPLE = ROOT / "examples" / "credit_risk"
BENTO = ROOT / "benchmarks" / "bento"
PEER = ROOT / ".envs" / "bentoml" / "bin"

IMPORT, CHANGED, SAME, EXPORT = (
    "import the service",
    "minibento build, a file changed",
    "minibento build, nothing changed",
    "minibento bundles export",
)
PEER_BUILD, PEER_EXPORT = "bentoml build", "bentoml export"
CASES = (IMPORT, CHANGED, SAME, EXPORT, PEER_BUILD, PEER_EXPORT)
CHANGED_MS, SAME_MS = 2000.0, 500.0
BESIDE_KB = 200.0
PICKLE = (
    "import sys, cloudpickle, minibento; "
    "model = minibento.models.get('credit_risk:production').load(); "
    "cloudpickle.dump(model, open(sys.argv[1], 'wb'))"
)


def run(settings: Settings) -> list[Report]:
    """Wall time of whole commands, the disk's cache warm, the lock present."""
    bench = _Bench(settings.place.directory / "builds")
    interleave(CASES, 1, bench.measure)
    measured = interleave(CASES, settings.rounds, bench.measure)
    medians = {case: statistics.median(found) * 1e3 for case, found in measured.figures.items()}

    def over(case: str) -> float | None:
        return medians[case] - medians[IMPORT] if {case, IMPORT} <= set(medians) else None

    return [
        Report(
            "Builds",
            f"The credit-risk example, medians of {settings.rounds} interleaved runs of each "
            "command, the lock present. `minibento build` also starts what is new once.",
            ["command", "ms", "min..max", "kB"],
            [
                [
                    case,
                    f"{medians[case]:,.0f}",
                    f"{min(found) * 1e3:,.0f}..{max(found) * 1e3:,.0f}",
                    f"{bench.sizes[case] / 1e3:,.0f}" if case in bench.sizes else "",
                ]
                for case, found in measured.figures.items()
            ],
            [
                Goal("build over the import", over(CHANGED), at_most=CHANGED_MS, unit=" ms"),
                Goal("unchanged, likewise", over(SAME), at_most=SAME_MS, unit=" ms"),
                Goal(
                    "the bundle beside its model and minibento's wheel",
                    bench.beside(),
                    at_most=BESIDE_KB,
                    unit=" kB",
                ),
            ],
            measured.failures,
        )
    ]


class _Bench:
    """A copy of the example with its models trained, and the same for the peer."""

    def __init__(self, folder: Path) -> None:
        self._ours, self._theirs = folder / "ours", folder / "theirs"
        self._out = folder / "out"
        shutil.copytree(EXAMPLE, self._ours)
        shutil.copytree(BENTO, self._theirs)
        shutil.copytree(EXAMPLE / "site", self._theirs / "site")
        self._variables = {
            **os.environ,
            "MINIBENTO_HOME": str(folder / "home"),
            "BENTOML_HOME": str(folder / "peer"),
            "BENTOML_DO_NOT_TRACK": "1",
        }
        self.sizes: dict[str, int] = {}
        self._tags: dict[str, str] = {}
        self._number = 0
        self._do(self._ours, [sys.executable, "train.py"])
        self._do(self._ours, [*_OURS, "lock"])
        self._prepared = False
        self._measures: Mapping[str, Callable[[], None]] = {
            IMPORT: partial(self._do, self._ours, [sys.executable, "-c", "import service"]),
            CHANGED: self._build,
            SAME: self._build,
            EXPORT: partial(self._export, EXPORT, [*_OURS, "bundles", "export"]),
            PEER_BUILD: self._peer_build,
            PEER_EXPORT: partial(self._export, PEER_EXPORT, [PEER / "bentoml", "export"]),
        }

    def measure(self, case: str) -> float:
        """Seconds that one run of it takes."""
        if case == CHANGED:
            self._number += 1
            page = self._ours / "site" / "index.html"
            page.write_text(f"{page.read_text()}<!-- {self._number} -->\n")
        if case == PEER_BUILD and not self._prepared:
            self._prepare_peer()
        shutil.rmtree(self._out, ignore_errors=True)
        self._out.mkdir()
        start = time.perf_counter()
        self._measures[case]()
        return time.perf_counter() - start

    def beside(self) -> float | None:
        """Kilobytes of the bundle that are neither its model nor minibento's wheel."""
        if EXPORT not in self._tags:
            return None
        name, _, version = self._tags[EXPORT].partition(":")
        folder = Path(self._variables["MINIBENTO_HOME"]) / "bundles" / name / version
        sizes = {one: one.stat().st_size for one in folder.rglob("*") if one.is_file()}
        apart = (folder / "models", folder / "wheels")
        return sum(size for one, size in sizes.items() if not set(apart) & set(one.parents)) / 1e3

    def _build(self) -> None:
        said = self._do(self._ours, [*_OURS, "build", "-o", "json"])
        self._tags[EXPORT] = json.loads(said)["tag"]

    def _peer_build(self) -> None:
        said = self._do(self._theirs, [PEER / "bentoml", "build", "-o", "tag"])
        self._tags[PEER_EXPORT] = said.strip().removeprefix("__tag__:")

    def _export(self, case: str, command: Sequence[str | Path]) -> None:
        if case not in self._tags:
            raise MeasurementFailed("nothing was built that could be exported")
        self._do(self._ours, [*command, self._tags[case], self._out])
        self.sizes[case] = sum(one.stat().st_size for one in self._out.iterdir())

    def _prepare_peer(self) -> None:
        if not (PEER / "bentoml").exists():
            raise MeasurementFailed("BentoML is not installed: make .envs/bentoml/ready")
        pickled = self._theirs / "model.pkl"
        self._do(self._ours, [sys.executable, "-c", PICKLE, pickled])
        self._do(self._theirs, [PEER / "python", "save.py", pickled])
        pickled.unlink()
        self._prepared = True

    def _do(self, folder: Path, command: Sequence[str | Path]) -> str:
        done = subprocess.run(
            command, cwd=folder, env=self._variables, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise MeasurementFailed(f"{' '.join(map(str, command))}: {done.stderr[-300:]}")
        return done.stdout


_OURS = (sys.executable, "-m", "minibento.cli")
