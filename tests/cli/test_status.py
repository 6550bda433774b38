"""`minibento status`."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.cli.supervised import servers

Line = dict[str, Any] | bytes

SUPERVISOR = {
    "role": "supervisor",
    "runner": None,
    "version": None,
    "slot": None,
    "pid": 7,
    "state": "ready",
    "uptime_seconds": 3725.5,
    "restarts": 0,
    "recycled": 0,
    "recycled_why": None,
    "private_bytes": 12_300_000,
    "outstanding": None,
}
WORKER = {
    "role": "runner-worker",
    "runner": "model",
    "version": "credit_risk:abcdefgh",
    "slot": 0,
    "pid": 9,
    "state": "computing",
    "uptime_seconds": 8.2,
    "restarts": 3,
    "recycled": 2,
    "recycled_why": "it was full",
    "private_bytes": None,
    "outstanding": 0,
}


def said(pid: int, name: str = "Credit") -> dict[str, Any]:
    return {
        "name": name,
        "pid": pid,
        "url": "http://127.0.0.1:3000",
        "target": "service:Credit",
        "started": "2026-01-01T00:00:00+00:00",
        "state": "ready",
        "generation": 2,
        "processes": [SUPERVISOR, WORKER],
    }


def ready(_: dict[str, Any]) -> Iterator[Line]:
    yield {"ok": True, "server": said(7)}


def unwilling(_: dict[str, Any]) -> Iterator[Line]:
    yield {"ok": False, "error": "not\nnow"}


def test_each_server_has_a_heading_and_its_processes(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with servers(monkeypatch, ("Credit", 7, ready), ("Gone", 8, None)) as asked:
        result = run("status")
    assert result.exit_code == 0
    assert asked == {7: [{"do": "status"}]}
    assert [line.split("   ")[0] for line in result.stdout.splitlines()] == [
        "Credit on http://127.0.0.1:3000, ready, generation 2: service:Credit",
        "ROLE",
        "supervisor",
        "runner-worker 0",
        "",
        "Gone: the server with process id 8 has ended, or ends right now: its log says why",
    ]
    names, supervisor, worker = (line.split() for line in result.stdout.splitlines()[1:4])
    columns = "ROLE RUNNER MODEL PID STATE UP RESTARTS RECYCLED MEMORY WORK"
    assert names == columns.split()
    assert supervisor == ["supervisor", "7", "ready", "1", "h", "2", "min", "0", "12.3", "MB"]
    assert worker[:5] == ["runner-worker", "0", "model", "credit_risk:abcdefgh", "9"]
    assert worker[5:] == ["computing", "8", "s", "3", "2:", "it", "was", "full", "0"]


def test_machines_get_what_the_servers_say(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with servers(monkeypatch, ("Credit", 7, ready), ("Gone", 8, unwilling)):
        one, other = json.loads(run("status", "-o", "json").stdout)
        assert json.loads(run("status", "Credit", "-o", "json").stdout) == said(7)
    assert one == said(7)
    assert other == {
        "name": "Gone",
        "pid": 8,
        "url": "http://127.0.0.1:3000",
        "error": "not\nnow",
    }


def test_one_server_can_be_asked_for_by_name(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with servers(monkeypatch, ("Credit", 7, ready), ("Gone", 8, unwilling)) as asked:
        assert run("status", "Credit").stdout.startswith("Credit on http")
        assert asked[8] == []
        result = run("status", "Gone")
    assert (result.exit_code, result.stdout) == (1, "Gone: not\\nnow\n")


def test_no_server_is_no_error_unless_one_was_asked_for(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with servers(monkeypatch):
        result = run("status")
        assert (result.exit_code, result.stdout) == (0, "")
        assert "no server is running" in result.stderr
        assert run("status", "-o", "json").stdout == "[]\n"
        assert run("status", "Credit").exit_code == 1


def test_a_server_that_is_still_starting_says_so_itself(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    starting = {"name": "", "pid": 7, "url": "", "state": "starting", "processes": []}
    with servers(monkeypatch, ("", 7, lambda _: iter([{"ok": True, "server": starting}]))):
        result = run("status")
        assert result.stdout == "a server, starting, generation 1\n"
        assert run("status", "7").exit_code == 0


@pytest.mark.parametrize("server", [None, [], "text"])
def test_an_answer_without_a_server_is_said_to_be_one(
    run: Run, monkeypatch: pytest.MonkeyPatch, server: object
) -> None:
    with servers(monkeypatch, ("Credit", 7, lambda _: iter([{"ok": True, "server": server}]))):
        result = run("status", "Credit")
    assert (result.exit_code, result.stdout) == (1, "Credit: it says nothing of itself\n")
