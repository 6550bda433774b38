"""`minibento reload`."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.cli.supervised import servers

Line = dict[str, Any] | bytes


def reloaded(_: dict[str, Any]) -> Iterator[Line]:
    yield {"say": "model is credit:abcd"}
    yield {"ok": True, "generation": 2}


def refused(_: dict[str, Any]) -> Iterator[Line]:
    yield {"say": "loading"}
    yield {"ok": False, "error": "model:\n  ValueError: \x1b[2Jno"}


def test_the_server_is_asked_and_what_it_says_is_shown(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with servers(monkeypatch, ("Credit", 7, reloaded), ("Other", 8, refused)) as asked:
        result = run("reload", "Credit")
    assert (result.exit_code, result.stdout) == (0, "reloaded Credit\n")
    assert result.stderr == "model is credit:abcd\n"
    assert asked == {7: [{"do": "reload"}], 8: []}


def updated(_: dict[str, Any]) -> Iterator[Line]:
    versions = {"model": "credit:new", "words": "words:same", "plain": ""}
    was = {"model": "credit:old", "words": "words:same", "plain": ""}
    yield {"ok": True, "generation": 2, "versions": versions, "was": was}


def test_it_says_which_models_answer_now(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with servers(monkeypatch, ("Credit", 7, updated)):
        result = run("reload", "Credit")
    assert result.stdout == (
        "reloaded Credit; model is credit:new, was credit:old; words is words:same as before\n"
    )


def test_machines_get_one_document(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with servers(monkeypatch, ("Credit", 7, reloaded)):
        result = run("reload", "Credit", "-o", "json")
    assert json.loads(result.stdout) == {"server": "Credit.7", "ok": True, "generation": 2}


def test_a_refused_reload_has_the_reason_and_exit_code_1(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with servers(monkeypatch, ("Credit", 7, refused)):
        result = run("reload", "Credit")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        "loading\nError: Credit is not reloaded and goes on as it was: model:\n"
        "  ValueError: \\x1b[2Jno\n"
    )


def test_a_server_that_ended_is_one_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with servers(monkeypatch, ("Credit", 7, None)):
        result = run("reload", "Credit")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: the server with process id 7 has ended")


def test_of_two_with_one_name_the_process_id_says_which(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with servers(monkeypatch, ("Credit", 7, reloaded), ("Credit", 12, reloaded)) as asked:
        result = run("reload", "Credit")
        assert result.exit_code == 1
        assert result.stderr == (
            "Error: 2 servers are called Credit: write one of Credit.7, Credit.12\n"
        )
        assert run("reload", "Credit.12").exit_code == 0
    assert asked == {7: [], 12: [{"do": "reload"}]}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Credt", "no server 'Credt' is running: did you mean 'Credit'?"),
        ("xyz", "no server 'xyz' is running: there are Credit"),
        ("Credit.8", "no server 'Credit.8' is running: did you mean 'Credit'?"),
    ],
)
def test_a_name_that_nobody_has_is_answered_with_those_there_are(
    run: Run, monkeypatch: pytest.MonkeyPatch, name: str, said: str
) -> None:
    with servers(monkeypatch, ("Credit", 7, reloaded)):
        result = run("reload", name)
    assert (result.exit_code, result.stderr) == (1, f"Error: {said}\n")


def test_without_any_server_it_is_said(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with servers(monkeypatch):
        result = run("reload", "Credit")
    assert result.exit_code == 1
    assert "no server 'Credit' is running" in result.stderr
    assert run("reload").exit_code == 2


def test_shells_complete_the_names(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_MINIBENTO_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "minibento reload C")
    monkeypatch.setenv("COMP_CWORD", "2")
    given = [("Credit", 7, None), ("Churn", 8, None), ("Credit", 9, None), ("Other", 10, None)]
    with servers(monkeypatch, *given):
        shown = run().stdout.split()
    assert [one.removeprefix("plain,") for one in shown] == ["Churn", "Credit.7", "Credit.9"]
