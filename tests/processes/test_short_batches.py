"""A model whose batches compute on its worker's loop: what else must go on if one does not end."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes.serving import Running, running

ROOT = Path(__file__).parents[2]

PATIENT = """
import threading
import time

from sklearn.base import BaseEstimator


class Patient(BaseEstimator):
    def fit(self, rows, _):
        self.fitted_ = True
        return self

    def predict(self, rows):
        for [seconds] in rows:
            if seconds:
                time.sleep(seconds)
        return [[threading.current_thread() is threading.main_thread()] for _ in rows]
"""
TRAIN = """
import minibento
from patient import Patient

fitted = Patient().fit([[0.0]], [0])
minibento.sklearn.save_model("patient", fitted, example_input=[[0.0]], check=False)
"""
SERVICE = """
import minibento


@minibento.service
class Waiting:
    model = minibento.models.get("patient:latest").to_runner()

    @minibento.api
    async def sleep(self, seconds: float) -> bool:
        [here] = await self.model.predict([seconds])
        return bool(here)
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    (tmp_path / "patient.py").write_text(PATIENT)
    (tmp_path / "service.py").write_text(SERVICE)
    subprocess.run(
        [sys.executable, "-c", TRAIN],
        cwd=tmp_path,
        env={**os.environ, "MINIBENTO_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)},
        check=True,
    )
    with running(tmp_path) as found:
        yield found


def test_one_that_never_ends_costs_its_caller_the_deadline_and_the_worker_its_place(
    server: Running,
) -> None:
    assert server.post("/sleep", 0.0) is True  # on the loop's thread
    (worker,) = server.pids("runner-worker")
    began = time.monotonic()
    answer = server.http.post("/sleep", json=1000.0, headers={"Minibento-Timeout": "0.5"})
    assert answer.status_code == 504
    assert time.monotonic() - began < 2
    assert server.post("/sleep", 0.0) is True  # waits for the next worker
    server.until_replaced("runner-worker", worker)
    assert "past all deadlines" in server.server.output


def test_one_that_takes_long_within_its_deadline_is_answered_and_the_next_have_the_thread(
    server: Running,
) -> None:
    (worker,) = server.pids("runner-worker")
    assert server.post("/sleep", 2.5) is True  # longer than a loop may be silent while idle
    assert server.post("/sleep", 0.0) is False
    assert server.pids("runner-worker") == [worker]
