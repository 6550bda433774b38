"""One run's temporary directory: the models, the requests, and the store they are saved in."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import credit_data, training
from benchmarks.credit_data import Application
from benchmarks.failures import MeasurementFailed

__all__ = ["ROOT", "THREADS", "Workplace"]

ROOT = Path(__file__).parents[1]
# One thread for every server's linear algebra: with two, the servers would be compared by how
# their threads happen to meet the load generator's.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
REQUESTS = 64
EXAMPLES = 3


class Workplace:
    """Trains the models when it is made.

    Attributes:
        directory: Ours to write to.
        rows: The applications that are sent: real ones from all over the file.
        models: The trained models by name.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        applications, defaulted = credit_data.load()
        self.models: dict[str, Any] = training.train(applications, defaulted, directory)
        self.rows: Sequence[Application] = applications[:: len(applications) // REQUESTS][:REQUESTS]
        (directory / "rows.json").write_text(json.dumps(self.rows[:EXAMPLES]))
        self._saved: set[str] = set()

    def environment(self, model: str) -> dict[str, str]:
        """What a server reads to find the model of that name."""
        return {
            "BENCH_PICKLE": str(self.directory / f"{model}.pkl"),
            "BENCH_TAG": f"{model}:latest",
            "MINIBENTO_HOME": str(self.directory / "home"),
            "MINIBENTO_RUN_DIR": str(self.directory / "run"),
        }

    def variables(self, model: str) -> dict[str, str]:
        """All variables of a process that finds that model, with one thread as servers have."""
        return {**os.environ, **dict.fromkeys(THREADS, "1"), **self.environment(model)}

    def save(self, model: str) -> None:
        """Save the model into the store, at the first call."""
        if model not in self._saved:
            self.save_pickle(self.directory / f"{model}.pkl")
            self._saved.add(model)

    def save_pickle(self, path: Path) -> str:
        """Save a pickled model, beside which stands `rows.json`, under the file's name; its tag."""
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.save_models", str(path)],
            cwd=ROOT,
            env=self.variables("light"),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise MeasurementFailed(f"{path.stem} could not be saved: {done.stderr.strip()[-300:]}")
        return done.stdout.strip()
