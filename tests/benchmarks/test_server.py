"""The servers of the benchmarks themselves, as real processes on free ports."""

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import contestants, workload
from benchmarks.credit_data import Application
from benchmarks.failures import MeasurementFailed
from benchmarks.field import running
from benchmarks.server import Contestant, Server

ROWS: list[Application] = [{"time": 12 + index, "age": 30} for index in range(8)]


def contestant(name: str, target: str, right: workload.Workload, *more: str) -> Contestant:
    return Contestant(name, (*contestants.uvicorn(target), *more), right)


STARLETTE = contestant("starlette", "starlette_noop:app", workload.placeholder(ROWS))
ECHO = contestant("asgi", "asgi_echo:app", workload.echoed(ROWS), "--lifespan", "off")


@pytest.mark.parametrize("one", [ECHO, STARLETTE], ids=lambda one: one.name)
def test_a_server_that_answers_rightly_starts_restarts_and_stops(
    one: Contestant, tmp_path: Path
) -> None:
    with Server(one, tmp_path) as server:
        server.verify()
        server.restart()
        assert server.settle()
    with pytest.raises(MeasurementFailed, match="does not answer after the load"):
        server.settle()


def test_a_server_that_answers_wrongly_is_not_measured(tmp_path: Path) -> None:
    wrong = replace(STARLETTE, workload=workload.echoed(ROWS))
    with pytest.raises(MeasurementFailed, match="wrong answer"), Server(wrong, tmp_path):
        pass


def test_a_server_that_is_right_once_but_not_always_is_not_measured(tmp_path: Path) -> None:
    right = workload.placeholder(ROWS)
    mixed_up = replace(right, answers=(right.answers[0], *right.answers[:0:-1]))
    wrong = replace(STARLETTE, workload=mixed_up)
    with pytest.raises(MeasurementFailed, match="wrong answer"), Server(wrong, tmp_path):
        pass


def test_a_server_that_ends_at_its_start_shows_its_log(tmp_path: Path) -> None:
    broken = replace(STARLETTE, command=(sys.executable, "-c", "raise SystemExit('no model')"))
    with (
        pytest.raises(MeasurementFailed, match=r"starlette ended with status 1.*no model"),
        Server(broken, tmp_path),
    ):
        pass


def test_one_that_fails_does_not_keep_the_others_from_being_measured(tmp_path: Path) -> None:
    def refuse() -> None:
        raise MeasurementFailed("not installed")

    failing = replace(ECHO, prepare=refuse)
    with running([failing, STARLETTE], tmp_path) as field:
        assert list(field.servers) == ["starlette"]
        assert field.failures == {"asgi": "not installed"}
        pid = field.servers["starlette"].pid
        os.kill(pid, 0)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
