"""Copies of a process that has loaded a model: that they predict, and that none is like another."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from minibento.processes.asking import ask
from tests.processes.launching import environment, launched, until
from tests.processes.serving import running

TRAIN = """
import numpy
import minibento

random = numpy.random.default_rng(1)
rows = random.normal(size=(400, 5))
labels = (rows.sum(axis=1) > 0).astype(int)
{how}
"""

SKLEARN = """
from sklearn.{module} import {name}
model = {name}({options}).fit(rows, labels)
minibento.sklearn.save_model("model", model, example_input=rows[:3], format="{format}")
"""

XGBOOST = """
import xgboost
model = {make}
minibento.xgboost.save_model("model", model, example_input=rows[:3])
"""

PICKLABLE = """
from sklearn.ensemble import HistGradientBoostingClassifier

class Wrapped:
    def __init__(self): self.inner = HistGradientBoostingClassifier().fit(rows, labels)
    def predict(self, rows): return self.inner.predict(numpy.asarray(rows))

minibento.picklable_model.save_model(
    "model", Wrapped(), example_input=rows[:3], signatures={"predict": {"batchable": True}}
)
"""

FOREST = {
    "module": "ensemble",
    "name": "RandomForestClassifier",
    "options": "n_estimators=50, n_jobs=2",
}
BOOSTING = {"module": "ensemble", "name": "HistGradientBoostingClassifier", "options": ""}
TRAINED = "xgboost.train({'objective': 'binary:logistic'}, xgboost.DMatrix(rows, labels))"

MODELS = {
    "forest": SKLEARN.format(**FOREST, format="cloudpickle"),
    "boosting": SKLEARN.format(**BOOSTING, format="cloudpickle"),
    "skops": SKLEARN.format(**FOREST, format="skops"),
    "booster": XGBOOST.format(make=TRAINED),
    "classifier": XGBOOST.format(make="xgboost.XGBClassifier(n_estimators=20).fit(rows, labels)"),
    "picklable": PICKLABLE,
}

SERVICE = """
import minibento

@minibento.service
class Predicting:
    model = minibento.models.get("model").to_runner()

    @minibento.api
    async def predict(self, row: list[float]) -> float:
        return float(await self.model.predict(row))
"""

# The nursery's own way of forking, without its count of threads.
BY_HAND = """
import os, select, sys, time
import minibento
from minibento.processes.forking import fork_worker
from minibento.processes.parentage import threads
import numpy

runnable = minibento.models.get("model").load()
rows = numpy.zeros((3, 5), dtype="float32")
print("threads", threads(), flush=True)
import ctypes
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)

def work():
    import xgboost
    runnable.predict(xgboost.DMatrix(rows))
    return 0

fork_worker(work, os.getpid())
end = time.monotonic() + 5
while time.monotonic() < end:
    pid, status = os.waitpid(-1, os.WNOHANG)
    if pid:
        print("ended", os.waitstatus_to_exitcode(status), flush=True)
        sys.exit()
    time.sleep(0.02)
print("hangs", flush=True)
os.killpg(0, 9)
"""

THREADED = """
import threading
import minibento

threading.Thread(target=threading.Event().wait, daemon=True).start()


class Model:
    @minibento.method(batchable=True)
    def double(self, numbers: list[int]) -> list[int]:
        return [2 * number for number in numbers]


@minibento.service
class Doubling:
    model = minibento.Runner(Model, preload=True)

    @minibento.api
    async def double(self, number: int) -> int:
        return await self.model.double(number)
"""

DRAWING = """
import os
import random

import minibento
import numpy
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_info


class Model:
    @minibento.method
    def draw(self) -> list[str]:
        return [str(os.getpid()), str(random.random()), str(numpy.random.random())]

    @minibento.method
    def threads(self) -> list[int]:
        return [library["num_threads"] for library in threadpool_info()]


@minibento.service
class Drawing:
    model = minibento.Runner(Model, preload=True, workers=2, threads=2)

    @minibento.api
    async def draw(self) -> list[str]:
        return await self.model.draw()

    @minibento.api
    async def threads(self) -> list[int]:
        return await self.model.threads()
"""


COUNTING = """def predict(self, rows):
        from threadpoolctl import threadpool_info
        found = [library["num_threads"] for library in threadpool_info()]
        print("computes with", found, flush=True)
        return self.answered(rows)

    def answered(self, rows):"""


def save(folder: Path, how: str) -> None:
    """Train a model and save it in the store of `folder`."""
    subprocess.run(
        [sys.executable, "-c", TRAIN.format(how=how)],
        env=environment(folder, str(folder)),
        check=True,
        timeout=120,
    )


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("how", MODELS)
def test_twenty_copies_of_a_loaded_model_predict_at_once(tmp_path: Path, how: str) -> None:
    save(tmp_path, MODELS[how])
    (tmp_path / "service.py").write_text(SERVICE)
    with running(tmp_path, MINIBENTO_RUNNERS__MODEL__WORKERS="5") as server:
        first = server.post("/predict", [0.5] * 5)
        for _ in range(3):
            for pid in server.pids("runner-worker"):
                os.kill(pid, signal.SIGKILL)
                server.until(lambda status, pid=pid: all_serve_without(pid, status))  # type: ignore[misc]
            assert {server.post("/predict", [0.5] * 5) for _ in range(10)} == {first}
        assert "cannot be forked" not in server.server.output
        assert "from now on" not in server.server.output
        took = [line for line in server.server.lines if "is ready after" in line]
        assert len(took) == 15
        # It has answered its example by then.
        assert all(milliseconds(line) < 5000 for line in took), took


def all_serve_without(pid: int, status: dict[str, Any]) -> bool:
    workers = [one for one in status["processes"] if one["role"] == "runner-worker"]
    serving = [one for one in workers if one["state"] in ("ready", "computing")]
    return len(serving) == 5 and pid not in [one["pid"] for one in serving]


def milliseconds(line: str) -> float:
    found = re.search(r"is ready after (\d+) ms", line)
    assert found is not None
    return float(found[1])


def by_hand(folder: Path, threads: str) -> list[str]:
    """Load, fork and predict with so many OpenMP threads in the process that forks."""
    done = subprocess.run(
        [sys.executable, "-c", BY_HAND],
        env=environment(folder, str(folder), OMP_NUM_THREADS=threads),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        timeout=60,
        start_new_session=True,
    )
    return done.stdout.splitlines()


@pytest.mark.slow
def test_a_copy_of_a_process_with_openmp_threads_hangs_and_that_is_found_by_counting(
    tmp_path: Path,
) -> None:
    save(tmp_path, MODELS["booster"])
    assert by_hand(tmp_path, "1") == ["threads 1", "ended 0"]
    counted, end = by_hand(tmp_path, "2")
    assert int(counted.removeprefix("threads ")) > 1
    assert end == "hangs"


def test_what_leaves_threads_is_not_copied_but_started_afresh(tmp_path: Path) -> None:
    # The thread is begun by whoever imports it: the runner's nursery.
    (tmp_path / "service.py").write_text(THREADED)
    with running(tmp_path) as server:
        assert server.post("/double", 4) == 8
        assert "runner model cannot be forked: loading it left 2 threads" in server.server.output
        assert "api cannot be forked" in server.server.output
        server.until_replaced("runner-worker", server.kill("runner-worker"))
        assert server.post("/double", 4) == 8


@pytest.mark.slow
def test_copies_draw_other_numbers_and_compute_with_their_share_of_threads(tmp_path: Path) -> None:
    (tmp_path / "service.py").write_text(DRAWING)
    with running(tmp_path) as server:
        drawn: dict[str, tuple[str, str]] = {}

        def drawn_by_two() -> bool:
            pid, python, numpy = server.post("/draw")
            drawn.setdefault(pid, (python, numpy))
            return len(drawn) == 2

        until(drawn_by_two)
        (one, other) = drawn.values()
        assert one[0] != other[0]
        assert one[1] != other[1]
        assert set(server.post("/threads")) == {2}
        assert "cannot be forked" not in server.server.output


@pytest.mark.slow
def test_the_nursery_of_a_model_computes_with_one_thread_and_its_worker_with_its_share(
    tmp_path: Path,
) -> None:
    save(tmp_path, PICKLABLE.replace("def predict(self, rows):", COUNTING))
    (tmp_path / "service.py").write_text(SERVICE)
    with launched(tmp_path, MINIBENTO_RUNNERS__MODEL__THREADS="2") as server:
        assert server.url
        assert ask(server.directory, {"do": "status"})["ok"]
        server.prints(r"^computes with \[2(, 2)*\]")
