"""A model that leaks: its workers are recycled before memory runs out, and nobody notices."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from minibento.errors import Unavailable
from minibento.processes.supervisor.kernel_view import private_bytes
from tests.processes.serving import Load, Running, running

SERVICE = """
import os
import time

import minibento

KEPT = []


class Model:
    @minibento.method(batchable=True)
    def double(self, numbers: list[int]) -> list[int]:
        KEPT.extend(b"x" * LEAK for _ in numbers)
        time.sleep(0.02)
        return [2 * number for number in numbers]


@minibento.service(timeout=20.0)
class Doubling:
    model = minibento.Runner(Model, workers=WORKERS)

    @minibento.api
    async def double(self, number: int) -> int:
        return await self.model.double(number)
"""
MIB = 2**20


def service(folder: Path, *, leak: int, workers: int) -> None:
    text = SERVICE.replace("LEAK", str(leak)).replace("WORKERS", str(workers))
    (folder / "service.py").write_text(text)


def double(http: httpx2.Client) -> object:
    answer = http.post("/double", json=21)
    assert answer.status_code == 200, answer.text
    assert answer.json() == 42
    return 42


class Watch:
    """Looks at the workers of a server again and again.

    Attributes:
        peak: The most private memory that one of them had.
        unready: How often `/readyz` said no.
        leaving: The most that were on their way out at once.
    """

    def __init__(self, server: Running) -> None:
        self.peak = self.unready = self.leaving = 0
        self._server = server

    @contextmanager
    def running(self) -> Iterator["Watch"]:
        self._stop = threading.Event()
        watching = threading.Thread(target=self._work)
        watching.start()
        try:
            yield self
        finally:
            self._stop.set()
            watching.join(30)

    def _work(self) -> None:
        with httpx2.Client(base_url=self._server.server.url, timeout=20) as http:
            while not self._stop.wait(0.02):
                workers = self._server.processes("runner-worker")
                self.peak = max([self.peak, *(private_bytes(one["pid"]) or 0 for one in workers)])
                leaving = sum(one["state"] == "retiring" for one in workers)
                self.leaving = max(self.leaving, leaving)
                self.unready += http.get("/readyz").status_code != 200


def recycled(server: Running, role: str, limit: str) -> int:
    page = server.http.get("/metrics").text
    name = f'minibento_workers_recycled_total{{limit="{limit}",role="{role}",runner="[^"]*"}}'
    found = re.search(rf"^{name} (\S+)$", page, re.MULTILINE)
    assert found is not None, page
    return int(float(found[1]))


def leaked(folder: Path, requests: int, workers: int, cap: int) -> tuple[int, Watch]:
    """How many workers were recycled, and what was seen meanwhile."""
    service(folder, leak=10 * MIB, workers=workers)
    limit = {"MINIBENTO_RUNNERS__MODEL__MAX_MEMORY": f"{cap}MiB"}
    with running(folder, **limit) as server:
        load, watch = Load(double, server.server.url), Watch(server)
        with watch.running(), load.running(4):
            load.until_answered(requests, 300)
        assert load.failures == [], server.server.output
        assert "recycled: it has" in server.server.output
        (*_, worker) = server.processes("runner-worker")
        assert worker["restarts"] == 0, server.server.output
        return recycled(server, "runner", "memory"), watch


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_leaking_worker_is_recycled_and_no_request_is_lost(tmp_path: Path, workers: int) -> None:
    count, watch = leaked(tmp_path, 100, workers, 200)
    assert count >= 2
    assert watch.peak < 600 * MIB
    assert watch.unready == 0
    # Never two of one runner at once.
    assert watch.leaving <= 1


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_a_thousand_leaking_calls_lose_nothing(tmp_path: Path, workers: int) -> None:
    count, watch = leaked(tmp_path, 1000, workers, 300)
    print(f"F17: {count} recycled, peak {watch.peak / MIB:.0f} MiB, unready {watch.unready}")
    assert count >= 10
    # Two gigabytes a second are leaked: what comes while it is looked at, and while a successor
    # starts, is on top. Without a limit it would be ten gigabytes.
    assert watch.peak < 1300 * MIB
    assert watch.unready == 0
    assert watch.leaving <= 1


def test_without_a_limit_a_leak_grows(tmp_path: Path) -> None:
    """What shows that the tests above can fail."""
    service(tmp_path, leak=10 * MIB, workers=1)
    with running(tmp_path) as server:
        load, watch = Load(double, server.server.url), Watch(server)
        with watch.running(), load.running(4):
            load.until_answered(100)
        assert watch.peak > 900 * MIB
        assert recycled(server, "runner", "memory") == 0


def test_workers_are_recycled_after_their_requests(tmp_path: Path) -> None:
    service(tmp_path, leak=1, workers=2)
    limits = {"MINIBENTO_RUNNERS__MODEL__MAX_REQUESTS": "50", "MINIBENTO_API_MAX_REQUESTS": "60"}
    with running(tmp_path, MINIBENTO_API_WORKERS="2", **limits) as server:
        before = {*server.pids("runner-worker"), *server.pids("api-worker")}
        load, watch = Load(double, server.server.url), Watch(server)
        with watch.running(), load.running(4):
            for role in ("api", "runner"):
                # Whoever leaves answers over the connections that it has.
                server.until(lambda _, role=role: recycled(server, role, "requests") >= 3, 60)  # type: ignore[misc]
        assert load.failures == [], server.server.output
        assert watch.unready == 0
        server.until(lambda status: not before & {one["pid"] for one in status["processes"]})
        assert all(one["restarts"] == 0 for one in server.status()["processes"])
        whys = {one["recycled_why"] for one in server.processes("runner-worker")}
        assert any(re.fullmatch(r"it has answered \d+ of \d+ requests", why or "") for why in whys)


def test_a_worker_goes_on_as_long_as_no_successor_starts(tmp_path: Path) -> None:
    service(tmp_path, leak=1, workers=1)
    text = (tmp_path / "service.py").read_text()
    # The second worker and those after it fail, until they are let.
    fails = """
    def __init__(self) -> None:
        import pathlib

        if pathlib.Path("made").exists() and not pathlib.Path("may").exists():
            raise RuntimeError("not now")
        pathlib.Path("made").touch()
"""
    (tmp_path / "service.py").write_text(text.replace("class Model:\n", f"class Model:{fails}\n"))
    with running(tmp_path, MINIBENTO_RUNNERS__MODEL__MAX_REQUESTS="20") as server:
        (pid,) = server.pids("runner-worker")
        load = Load(double, server.server.url)
        with load.running(4):
            server.until(lambda _: "goes on, as no other started" in server.server.output)
            load.until_answered(20)
            # Perhaps beside the next one that tries.
            assert pid in server.pids("runner-worker")
            (tmp_path / "may").touch()
            server.until(lambda _: recycled(server, "runner", "requests") > 0, 30)
        assert load.failures == [], server.server.output


def test_limits_of_an_embedded_runner_are_refused_with_the_mend(tmp_path: Path) -> None:
    service(tmp_path, leak=1, workers=1)
    limit = {"MINIBENTO_RUNNERS__MODEL__MAX_REQUESTS": "20"}
    embedded = {"MINIBENTO_RUNNERS__MODEL__PLACEMENT": "embedded"}
    with (
        pytest.raises(Unavailable, match="set api_max_requests or api_max_memory"),
        running(tmp_path, **limit, **embedded),
    ):
        pass
