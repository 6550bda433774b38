"""The whole server stands still for a while, as with `docker pause`: nobody is to blame for it."""

import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.model import lost, offered, percentile, service
from tests.processes.serving import Running, running

# It computes until there is a file.
LONG = """
import pathlib
import time

import minibento


class Model:
    @minibento.method
    def compute(self) -> bool:
        while not pathlib.Path("enough").exists():
            time.sleep(0.01)
        return True


@minibento.service(timeout=2.0)
class Computing:
    model = minibento.Runner(Model)

    @minibento.api
    async def compute(self) -> bool:
        return await self.model.compute()
"""
# After a pause it judges nobody for 1.5 s, whatever computes.
PATIENCE_SECONDS = 1.5


@contextmanager
def paused(server: Running) -> Iterator[None]:
    """Stop all of its processes, and let them go on after the block, their supervisor first."""
    pids = [one["pid"] for one in server.status()["processes"]]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def deaths(server: Running) -> dict[str, int]:
    """How many processes were replaced, by role."""
    found: Counter[str] = Counter()
    for one in server.status()["processes"]:
        found[one["role"]] += one["restarts"]
    return dict(+found)


def held_up(folder: Path, seconds: float) -> None:
    """Stand still for so long under load."""
    service(folder, workers=2, timeout=30.0)
    with running(folder, MINIBENTO_API_WORKERS="2", MINIBENTO_ACCESS_LOG="false") as server:
        wait = threading.Event().wait

        def pause() -> None:
            wait(0.5)
            with paused(server):
                wait(seconds)

        pausing = threading.Thread(target=pause)
        pausing.start()
        asked = offered(server, ["good"] * int(100 * (seconds + 1.5)), 100)
        pausing.join()
        after = offered(server, ["good"] * 50, 100)
        print(f"paused for {seconds} s: n={len(asked)}, {len(lost(asked))} lost")
        assert lost(asked) == lost(after) == []
        assert percentile(after, 0.99) < 1.0
        assert deaths(server) == {}, server.server.output
        assert server.http.get("/readyz").status_code == 200


def test_who_stood_still_together_goes_on_together(tmp_path: Path) -> None:
    held_up(tmp_path, 1.5)


@pytest.mark.slow
def test_twenty_seconds_are_like_one_and_a_half(tmp_path: Path) -> None:
    held_up(tmp_path, 20.0)


@pytest.mark.slow
def test_a_batch_may_end_though_its_deadline_passed_in_a_pause(tmp_path: Path) -> None:
    (tmp_path / "service.py").write_text(LONG)
    with running(tmp_path) as server:
        answers = []

        def ask() -> None:
            answers.append(server.http.post("/compute").status_code)

        asking = threading.Thread(target=ask)
        asking.start()
        server.until(lambda status: any(one["state"] == "computing" for one in status["processes"]))
        with paused(server):
            threading.Event().wait(2.0)
        asking.join()
        # Its caller's time is up, and the model is not to be loaded again for that.
        assert answers == [504]
        threading.Event().wait(PATIENCE_SECONDS + 0.75)
        (tmp_path / "enough").touch()
        server.until(lambda status: all(one["state"] == "ready" for one in status["processes"]))
        assert deaths(server) == {}, server.server.output
