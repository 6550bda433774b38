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

__all__ = ["ROOT", "Workplace"]

ROOT = Path(__file__).parents[1]
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
        }

    def save(self, model: str) -> None:
        """Save the model into the store, at the first call."""
        if model in self._saved:
            return
        environment = self.environment(model)
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.save_models", environment["BENCH_PICKLE"]],
            cwd=ROOT,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise MeasurementFailed(f"{model} could not be saved: {done.stderr.strip()[-300:]}")
        self._saved.add(model)
