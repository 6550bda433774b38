"""A whole server of real processes: what it answers, and what it survives."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.processes.serving import Load, Running, running

SERVICE = """
import ctypes
import os
import threading
import time

import minibento


class Model:
    @minibento.method(batchable=True)
    def double(self, numbers: list[int]) -> list[int]:
        if 666 in numbers:
            ctypes.string_at(0)
        if 777 in numbers:
            threading.Event().wait()
        time.sleep(0.005)
        return [2 * number for number in numbers]

    @minibento.method
    def pid(self) -> int:
        return os.getpid()


@minibento.service(timeout=10.0)
class Doubling:
    model = minibento.Runner(Model)

    @minibento.on_shutdown
    def say_goodbye(self) -> None:
        print("goodbye", flush=True)

    @minibento.api
    async def double(self, number: int) -> int:
        return await self.model.double(number)

    @minibento.api
    async def slow(self, number: int) -> int:
        time.sleep(0.3)
        return await self.model.double(number)

    @minibento.api
    async def pids(self) -> list[int]:
        return [os.getpid(), await self.model.pid()]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "service.py").write_text(SERVICE)
    return tmp_path


@pytest.fixture
def server(folder: Path) -> Iterator[Running]:
    with running(folder) as found:
        yield found


def double(http: httpx2.Client) -> object:
    answer = http.post("/double", json=21)
    assert answer.status_code == 200, answer.text
    assert answer.json() == 42
    return answer.json()


def test_the_api_and_the_model_have_processes_of_their_own(server: Running) -> None:
    api, model = server.post("/pids", None)
    assert len({api, model, server.server.pid}) == 3
    assert server.pids("api-worker") == [api]
    assert server.pids("runner-worker") == [model]


def test_every_line_of_the_log_names_its_process(server: Running) -> None:
    pids = {server.server.pid, server.kill("runner-worker"), *server.pids("api-worker")}
    server.post("/double", 4)
    server.until(lambda _: "minibento.access" in server.server.output)
    lines = [json.loads(line) for line in server.server.lines if line.startswith("{")]
    assert {line["role"] for line in lines} == {"supervisor", "api-worker-0"}
    assert {line["pid"] for line in lines} <= pids


def test_a_killed_runner_worker_costs_nobody_an_answer(server: Running) -> None:
    load = Load(double, server.server.url)
    with load.running():
        for _ in range(5):
            load.until_answered(20)
            pid = server.kill("runner-worker")
            server.until_replaced("runner-worker", pid)
        load.until_answered(20)
    assert load.failures == []


def test_a_killed_nursery_takes_no_worker_along_and_is_replaced(server: Running) -> None:
    load = Load(double, server.server.url)
    with load.running():
        for role, nursery in [
            ("runner-worker", "runner-nursery"),
            ("runner-worker", "runner-nursery"),
        ]:
            load.until_answered(20)
            before = server.pids(role)
            pid = server.kill(nursery)
            server.until_replaced(nursery, pid)
            assert server.pids(role) == before
            server.until_replaced(role, server.kill(role))
        load.until_answered(20)
    assert load.failures == []


def test_a_killed_api_worker_is_replaced_and_no_connect_is_refused(server: Running) -> None:
    for _ in range(3):
        pid = server.kill("api-worker")
        with httpx2.Client(base_url=server.server.url, timeout=20) as http:
            assert double(http) == 42
        server.until_replaced("api-worker", pid)


def test_a_stopped_runner_worker_is_found_and_replaced(server: Running) -> None:
    load = Load(double, server.server.url)
    with load.running():
        load.until_answered(20)
        pid = server.kill("runner-worker", signal.SIGSTOP)
        server.until_replaced("runner-worker", pid)
        load.until_answered(20)
    assert load.failures == []


def test_an_item_that_kills_its_worker_twice_is_poisonous_and_its_mates_are_not(
    server: Running,
) -> None:
    load = Load(double, server.server.url)
    with load.running():
        load.until_answered(20)
        answer = server.http.post("/double", json=666)
        again = server.http.post("/double", json=666)
        load.until_answered(20)
    assert load.failures == []
    assert answer.status_code == again.status_code == 500
    assert "poisonous" in answer.json()["type"]
    (worker,) = server.processes("runner-worker")
    assert worker["restarts"] == 2


def test_a_batch_that_never_ends_costs_its_worker_and_nobody_else(server: Running) -> None:
    begun = server.http.post("/double", json=777, headers={"minibento-timeout": "0.5"})
    assert begun.status_code == 504
    assert server.post("/double", 4) == 8
    (worker,) = server.processes("runner-worker")
    assert worker["restarts"] == 1


def test_a_signal_to_the_supervisor_ends_it_after_the_request_under_way(folder: Path) -> None:
    with running(folder) as server:
        load = Load(double, server.server.url)
        with load.running(1):
            load.until_answered(5)
        os.kill(server.server.pid, signal.SIGTERM)
    assert "goodbye" in server.server.output
    assert load.failures == []


def test_nothing_survives_the_supervisor(server: Running) -> None:
    pids = [one["pid"] for one in server.status()["processes"]]
    assert len(pids) == 5
    os.kill(server.server.pid, signal.SIGKILL)
    for pid in pids:
        _wait_for_the_end(pid)


def test_two_api_workers_share_the_connections_and_one_model(folder: Path) -> None:
    with running(folder, MINIBENTO_API_WORKERS="2") as server:
        seen = set()
        for _ in range(40):
            with httpx2.Client(base_url=server.server.url) as http:
                seen.add(tuple(http.post("/pids").json()))
        assert len({api for api, _ in seen}) == 2
        assert len({model for _, model in seen}) == 1


def test_an_embedded_runner_gives_the_same_answers_without_a_process(folder: Path) -> None:
    with running(folder, MINIBENTO_RUNNERS__MODEL__PLACEMENT="embedded") as server:
        api, model = server.post("/pids", None)
        assert api == model
        assert server.post("/double", 4) == 8
        assert server.processes("runner-worker") == []


def _wait_for_the_end(pid: int) -> None:
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    import select

    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    assert poll.poll(10_000), f"process {pid} is still there"
    os.close(descriptor)
