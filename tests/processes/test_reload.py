"""Updating a model and going back, while requests are answered."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.processes.serving import Load, Running, running

ROOT = Path(__file__).parents[2]

TRAIN = """
import sys
import minibento

class Model:
    def __init__(self, name): self.name = name
    def predict(self, numbers): return [[self.name, number] for number in numbers]

tag = minibento.picklable_model.save_model(
    "named", Model(sys.argv[1]), signatures={"predict": {"batchable": True}}, example_input=[1]
)
minibento.models.alias(tag, "production")
print(tag)
"""

SERVICE = """
import minibento

@minibento.service
class Naming:
    model = minibento.models.get("named:production").to_runner()

    @minibento.api
    async def both(self, number: int) -> list[list[object]]:
        return [await self.model.predict(number), await self.model.predict(number)]
"""


def train(folder: Path, name: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", TRAIN, name],
        env={**os.environ, "MINIBENTO_HOME": str(folder / "home"), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def back(folder: Path) -> None:
    command = [sys.executable, "-m", "minibento.cli", "models", "alias", "named", "production"]
    subprocess.run(
        [*command, "--rollback"],
        env={**os.environ, "MINIBENTO_HOME": str(folder / "home"), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=True,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "service.py").write_text(SERVICE)
    train(tmp_path, "old")
    return tmp_path


@pytest.fixture
def server(folder: Path) -> Iterator[Running]:
    with running(folder) as found:
        yield found


def names(http: httpx2.Client) -> object:
    answer = http.post("/both", json=5)
    assert answer.status_code == 200, answer.text
    (first, _), (second, _) = answer.json()
    assert first == second, "an answer of two versions"
    return first


def test_a_reload_takes_the_new_version_and_loses_no_request(folder: Path, server: Running) -> None:
    load = Load(names, server.server.url)
    with load.running():
        load.until_answered(20)
        new = train(folder, "new")
        answer = server.reload()
        assert answer["ok"], answer
        assert answer["versions"] == {"model": new}
        assert names(server.http) == "new"
        load.until_answered(20)
        back(folder)
        assert server.reload()["ok"]
        load.until_answered(20)
    assert load.failures == []
    assert {"old", "new"} == set(load.answers)
    assert load.answers[-1] == "old"


def test_without_a_reload_a_restarted_worker_has_the_version_of_the_start(
    folder: Path, server: Running
) -> None:
    train(folder, "new")
    for role in ("runner-nursery", "runner-worker", "api-nursery", "api-worker"):
        server.until_replaced(role, server.kill(role))
    assert names(server.http) == "old"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("syntax error", "SyntaxError"),
        ("raise ValueError('broken')", "ValueError: broken"),
        ("import os; os._exit(7)", "exit code 7"),
        ("minibento.models.get('nosuch')", "nosuch"),
    ],
)
def test_a_reload_that_fails_says_why_and_the_old_one_goes_on(
    folder: Path, server: Running, line: str, said: str
) -> None:
    (folder / "service.py").write_text(f"import minibento\n{line}\n{SERVICE}")
    answer = server.reload()
    assert not answer["ok"]
    assert said in answer["error"]
    assert names(server.http) == "old"
    (folder / "service.py").write_text(SERVICE)
    assert server.reload()["ok"]
    assert {one["role"] for one in server.status()["processes"]} == {
        "supervisor", "api-nursery", "api-worker", "runner-nursery", "runner-worker"
    }  # fmt: skip


def test_the_log_of_a_refused_reload_has_the_traceback_in_lines_of_its_own(
    folder: Path, server: Running
) -> None:
    (folder / "service.py").write_text("def broken():\n    return 1 / 0\n\nbroken()\n")
    assert not server.reload()["ok"]
    server.until(lambda _: "reload refused" in server.server.output)
    lines = [json.loads(line) for line in server.server.lines if line.startswith("{")]
    (refused,) = (line for line in lines if "reload refused" in line["message"])
    assert "\n" not in refused["message"]
    assert "    return 1 / 0\n" in refused["traceback"]


def test_a_hang_up_reloads_a_server_without_a_terminal(folder: Path, server: Running) -> None:
    train(folder, "new")
    os.kill(server.server.pid, signal.SIGHUP)
    server.until(lambda status: status["generation"] == 2)
    with httpx2.Client(base_url=server.server.url, timeout=20) as http:
        assert names(http) == "new"


def test_many_hang_ups_are_two_reloads_at_most(folder: Path, server: Running) -> None:
    for _ in range(6):
        os.kill(server.server.pid, signal.SIGHUP)
        threading.Event().wait(0.02)
    server.until(lambda status: status["generation"] >= 2)
    # What is asked for now comes after what was asked for before; in between at most one more does.
    assert [server.reload()["generation"] for _ in range(2)][-1] <= 5


def test_two_reloads_at_once_come_one_after_the_other(folder: Path, server: Running) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(2) as threads:
        answers = list(threads.map(lambda _: server.reload(), range(2)))
    assert [answer["ok"] for answer in answers] == [True, True]
    assert sorted(answer["generation"] for answer in answers) == [2, 3]
