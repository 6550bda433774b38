"""The command against real servers: one that keeps its promises, and some that do not (F21)."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from minibento.testing.chaos.command import command
from tests.processes.serving import Running, running

SERVICE = """
import time

import minibento


class Model:
    @minibento.method(batchable=True)
    def double(self, numbers: list[int]) -> list[int]:
        time.sleep(0.01)
        return [2 * number for number in numbers]


@minibento.service(timeout=10.0)
class Doubling:
    model = minibento.Runner(Model, workers=2)
    asked = 0

    @minibento.api(example=21)
    async def double(self, number: int) -> int:
        self.asked += 1
        BROKEN
        return await self.model.double(number)
"""
ROLES = "runner-worker,api-worker,nursery"


def broken(
    server: Running, monkeypatch: pytest.MonkeyPatch, *options: str
) -> tuple[Result, dict[str, Any]]:
    monkeypatch.setenv("MINIBENTO_RUN_DIR", str(server.directory.parent))
    result = CliRunner().invoke(command, [server.server.url, "-o", "json", *options])
    found = json.loads(result.stdout) if result.stdout.startswith("{") else {}
    return result, found


def service(folder: Path, line: str = "") -> None:
    (folder / "service.py").write_text(SERVICE.replace("BROKEN", line))


def besiege(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *options: str
) -> tuple[Result, dict[str, Any]]:
    with running(folder, MINIBENTO_API_WORKERS="2") as server:
        result, found = broken(server, monkeypatch, *options)
        assert result.exit_code == 0, result.output + server.server.output
        return result, found


def test_a_server_that_keeps_its_promises_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service(tmp_path)
    how = ["--seconds", "4", "--every", "0.45", "--rate", "50", "--kill", ROLES]
    how += ["--stop", "runner-worker", "--flood", "100", "--disconnect", "50"]
    result, found = besiege(tmp_path, monkeypatch, *how)
    events = found["events"]
    assert events["kill runner-worker"]["times"] >= 1
    assert all(
        one["whole_seconds"] for name, one in events.items() if name.startswith(("kill", "stop"))
    )
    assert found["requests"]["answered"] > 150
    assert found["requests"]["wrong"] == found["requests"]["failed"] == 0
    assert "the same answer each time" in result.stderr
    assert "whole again after" in result.stderr
    names = {one["name"] for one in found["processes"]}
    assert {"supervisor", "api-worker 1", "runner-worker model 1"} <= names


def test_a_server_that_does_not_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service(
        tmp_path,
        """
        if self.asked % 50 == 20:
            return 41
        if self.asked % 50 == 40:
            raise RuntimeError("now and then")
""".strip(),
    )
    with running(tmp_path) as server:
        result, found = broken(
            server, monkeypatch, "--seconds", "2", "--every", "1", "--rate", "60",
            "--kill", "runner-worker",
        )  # fmt: skip
    assert result.exit_code == 1
    assert (found["requests"]["wrong"], found["requests"]["failed"]) == (3, 2)
    assert found["faults"] == ["5 requests were lost"]


def test_a_request_that_fails_anyway_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service(tmp_path)
    with running(tmp_path) as server:
        result, _ = broken(server, monkeypatch, "--request", "/double", '"x"')
        assert result.exit_code == 1
        assert "POST /double is answered 422 before anything is broken" in result.output
        result, _ = broken(server, monkeypatch, "--kill", "supervisor")
        assert result.exit_code == 2
        assert "'supervisor' is no role" in result.output


def test_a_server_of_somebody_else_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    result = CliRunner().invoke(command, ["http://192.0.2.1:3000"])
    assert result.exit_code == 1
    assert result.output == (
        "Error: 192.0.2.1 is 192.0.2.1, which is not this machine: chaos breaks only a server of "
        "your own on this machine\n"
    )


@pytest.mark.slow
def test_five_minutes_of_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    service(tmp_path)
    how = ["--seconds", "300", "--every", "2.5", "--rate", "100", "--kill", ROLES]
    how += ["--stop", "runner-worker,api-worker", "--flood", "400", "--disconnect", "200"]
    _, found = besiege(tmp_path, monkeypatch, *how)
    print(json.dumps(found))
    for one in found["processes"]:
        descriptors, memory = one["descriptors"], one["private_bytes"]
        assert descriptors[1] - descriptors[0] <= 25, one
        # What a nursery shares with its workers is not private: a new one has none yet.
        if "nursery" not in one["name"]:
            assert memory[1] - memory[0] <= 20 * 2**20, one
