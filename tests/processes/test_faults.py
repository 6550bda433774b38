"""What a server survives beside the plain death of a worker."""

import os
import resource
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from minibento.processes.supervisor.nursery import FORKED_SECONDS
from tests.processes.serving import Running, running

SERVICE = """
import ctypes
import threading
import time

import minibento

# Keeps the interpreter to itself, unlike time.sleep.
hold = ctypes.PyDLL(None).sleep


class Model:
    @minibento.method
    def many(self, count: int) -> list[dict[str, float]]:
        return [{"a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0}] * count

    @minibento.method
    def double(self, number: int) -> int:
        return 2 * number

    @minibento.method
    def hang(self) -> bool:
        def later() -> None:
            time.sleep(0.1)
            hold(5)

        threading.Thread(target=later, daemon=True).start()
        return True


@minibento.service(timeout=30.0)
class Doubling:
    model = minibento.Runner(Model)

    @minibento.api
    async def many(self, count: int) -> int:
        return len(await self.model.many(count))

    @minibento.api
    async def double(self, number: int) -> int:
        return await self.model.double(number)

    @minibento.api
    async def hang(self) -> bool:
        return await self.model.hang()
"""

SLOW_TO_COME_BACK = """
import pathlib
import time

import minibento


class Model:
    def __init__(self) -> None:
        before = pathlib.Path("loaded-before")
        if before.exists():
            time.sleep(1000)
        before.touch()

    @minibento.method
    def double(self, number: int) -> int:
        return 2 * number


@minibento.service
class Doubling:
    model = minibento.Runner(Model, preload=True)

    @minibento.api
    async def double(self, number: int) -> int:
        return await self.model.double(number)
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    (tmp_path / "service.py").write_text(SERVICE)
    with running(tmp_path) as found:
        yield found


@pytest.mark.parametrize("role", ["runner", "api"])
def test_a_stopped_nursery_is_replaced_and_then_its_worker(server: Running, role: str) -> None:
    nursery = server.kill(f"{role}-nursery", signal.SIGSTOP)
    worker = server.kill(f"{role}-worker")
    server.until_replaced(f"{role}-nursery", nursery)
    server.until_replaced(f"{role}-worker", worker)
    assert server.post("/double", 21) == 42


def test_a_worker_that_is_long_at_writing_an_answer_is_not_taken_for_dead(server: Running) -> None:
    assert server.post("/many", 1_500_000) == 1_500_000
    (worker,) = server.processes("runner-worker")
    assert worker["restarts"] == 0, server.server.output


def test_an_idle_worker_that_hangs_without_computing_is_replaced(server: Running) -> None:
    (worker,) = server.processes("runner-worker")
    assert server.post("/hang")
    server.until_replaced("runner-worker", worker["pid"])
    assert server.post("/double", 21) == 42
    assert "it has been silent for 1." in server.server.output


def test_an_api_worker_that_dies_while_its_runner_is_down_tells_its_health_again(
    tmp_path: Path,
) -> None:
    (tmp_path / "service.py").write_text(SLOW_TO_COME_BACK)
    with running(tmp_path, MINIBENTO_START_TIMEOUT="5") as server:
        server.kill("runner-nursery")
        server.kill("runner-worker")
        server.kill("api-worker")
        with httpx2.Client(base_url=server.server.url, timeout=10) as http:
            assert http.get("/livez").status_code == 200
            assert http.get("/readyz").status_code == 503
        (tmp_path / "loaded-before").unlink()
        # A load that hangs is given up, and another one begun.
        server.until(lambda status: status["state"] == "ready", 30)
        assert server.post("/double", 21) == 42


def test_a_service_that_ignores_the_end_of_its_children_is_served(tmp_path: Path) -> None:
    ignoring = "import signal\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
    (tmp_path / "service.py").write_text(ignoring + SERVICE)
    with running(tmp_path) as server:
        assert server.post("/double", 21) == 42
        server.until_replaced("runner-worker", server.kill("runner-worker"))
        assert server.post("/double", 21) == 42


def test_a_child_names_itself_in_its_log(tmp_path: Path) -> None:
    (tmp_path / "service.py").write_text(SERVICE)
    with running(tmp_path) as server:
        pid = server.pids("api-worker")[0]
        server.post("/double", 21)
    assert f'"role": "api-worker-0", "pid": {pid}' in server.server.output


def test_a_supervisor_that_had_no_descriptor_free_starts_what_it_could_not(
    server: Running,
) -> None:
    pid = server.server.pid
    victims = server.pids("runner-worker") + server.pids("runner-nursery")
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, hard))
    for one in victims:
        os.kill(one, signal.SIGKILL)
    end = time.monotonic() + 20
    while server.server.output.count("no process can be started") < 2:
        assert time.monotonic() < end, server.server.output
        threading.Event().wait(0.02)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))
    server.until(lambda status: status["state"] == "ready", 30)
    assert server.post("/double", 21) == 42


def test_a_run_directory_that_was_removed_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "service.py").write_text(
        "import minibento\n"
        "@minibento.service\n"
        "class Alone:\n"
        "    @minibento.api\n"
        "    def answer(self) -> int:\n"
        "        return 42\n"
    )
    with running(tmp_path) as server:
        shutil.rmtree(server.directory)
        until = time.monotonic() + 20
        while "was removed" not in server.server.output and time.monotonic() < until:
            threading.Event().wait(0.05)
        assert f"the run directory {server.directory} was removed" in server.server.output
        assert server.post("/answer") == 42


def test_the_place_of_a_worker_that_cannot_start_is_shown_as_dead(tmp_path: Path) -> None:
    dying = "def __init__(self) -> None:\n        if __import__('os').path.exists('die'): exit(3)\n"
    text = SERVICE.replace("class Model:", f"class Model:\n    {dying}")
    (tmp_path / "service.py").write_text(text)
    with running(tmp_path) as server:
        (tmp_path / "die").touch()
        server.kill("runner-worker")

        def crash_loops(status: dict[str, Any]) -> bool:
            rows = [one for one in status["processes"] if one["role"] == "runner-worker"]
            return any(
                (one["state"], one["pid"], one["slot"]) == ("dead", None, 0) and one["restarts"] > 1
                for one in rows
            )

        server.until(crash_loops)
        (tmp_path / "die").unlink()
        server.until(lambda status: status["state"] == "ready")
        assert [one["state"] for one in server.processes("runner-worker")] == ["ready"]


STOPPED_ONCE = """
import os
import pathlib
import signal

import minibento

@minibento.service
class Alone:
    @minibento.on_startup
    def stop(self) -> None:
        before = pathlib.Path("stopped-before")
        if not before.exists():
            before.touch()
            os.kill(os.getpid(), signal.SIGSTOP)

    @minibento.api
    def answer(self) -> int:
        return 42
"""


def test_a_worker_that_is_stopped_while_it_starts_is_replaced_at_once(tmp_path: Path) -> None:
    (tmp_path / "service.py").write_text(STOPPED_ONCE)
    with running(tmp_path) as server:
        assert server.post("/answer") == 42
        assert server.status()["processes"][0]["uptime_seconds"] < FORKED_SECONDS
