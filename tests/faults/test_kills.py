"""Processes are killed and stopped under load: F1 to F4, F16, F25, F27."""

import asyncio
import os
import signal
import socket
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import httpx2
import pytest

from minibento.testing.chaos.load import Load, Verdict
from minibento.testing.chaos.schedule import Action, schedule
from minibento.testing.chaos.scoreboard import Scoreboard
from minibento.testing.chaos.siege import Record, Siege, Strength
from minibento.testing.chaos.target import find
from tests.faults.afterwards import QUIET, under_fire
from tests.faults.model import (
    address,
    broken_service,
    offered,
    percentile,
    request,
    service,
)
from tests.processes.launching import launched, until
from tests.processes.serving import Running, running

RATE = 200.0


def besieged(server: Running, actions: Sequence[Action], times: int, every: float) -> Record:
    """Do these in turn, so often in all, under load."""
    seconds = (times + 1) * every
    environment = {"MINIBENTO_RUN_DIR": str(server.directory.parent)}
    target = find(server.server.url, environment)

    async def siege() -> Record:
        load = Load(*address(server))
        try:
            siege = Siege(target, load, request, Strength(RATE, 0, 0, 0, every / 2), lambda _: None)
            return await siege.run(schedule(actions, seconds, every, 1), seconds, 1)
        finally:
            load.close()

    record = asyncio.run(siege())
    assert len(record.events) == times
    assert all(event.victim for event in record.events)
    return record


def told(name: str, record: Record) -> Scoreboard:
    """Print the figures; the scoreboard."""
    board = Scoreboard.of(record)
    times = sorted(event.whole_seconds or 0 for event in record.events)
    verdicts = dict(board.verdicts)
    print(f"{name}: n={len(times)}, {verdicts}, statuses {dict(board.statuses)}")
    print(f"  whole again: median {times[len(times) // 2]:.3f} s, largest {times[-1]:.3f} s")
    print(f"  longest answer {max(one.longest_seconds for one in board.tallies.values()):.3f} s")
    return board


RUNNER, API = Action("kill", "runner-worker"), Action("kill", "api-worker")
STOP = Action("stop", "runner-worker")
NURSERIES = [Action("kill", "runner-nursery"), Action("kill", "api-nursery")]
# Seconds in which it must be whole again, on a machine that others use too.
WHOLE_SECONDS = 5.0


def check_survived(server: Running, record: Record, board: Scoreboard) -> None:
    """Nobody was lost but with an API worker, all is whole in time, nothing else has gone."""
    assert board.faults == [], server.server.output
    # A broken connection to an API worker is all that may happen: each request has ten
    # seconds, so that nobody has to be refused, and nobody's connect is.
    assert set(board.verdicts) <= {"answered", "reset"}
    assert {name for name, one in board.tallies.items() if one.lost} <= {str(API)}
    assert all((event.whole_seconds or 0) < WHOLE_SECONDS for event in record.events)
    found: Counter[str] = Counter()
    for one in server.status()["processes"]:
        found[one["role"]] += one["restarts"]
    # Nothing but what was hit has gone.
    assert +found == Counter(event.action.role for event in record.events)


def survived(
    folder: Path, actions: Sequence[Action], *, workers: int, times: int, every: float
) -> None:
    service(folder, workers=workers)
    with under_fire(folder) as server:
        record = besieged(server, actions, times, every)
        board = told(f"{', '.join(map(str, actions))}, {workers} runner workers", record)
        check_survived(server, record, board)


def test_each_kind_of_process_is_killed_once(tmp_path: Path) -> None:
    actions = [RUNNER, API, STOP, *NURSERIES]
    survived(tmp_path, actions, workers=2, times=len(actions), every=0.6)


def test_an_api_worker_that_dies_again_and_again_lets_nobody_wait_for_long(tmp_path: Path) -> None:
    service(tmp_path)
    with under_fire(tmp_path, MINIBENTO_API_WORKERS="1") as server:
        board = told("one API worker", besieged(server, [API], 9, 0.2))
        assert "another starts in 1 s" in server.server.output
        assert "another starts in 2 s" not in server.server.output
        # It takes a moment until it is there, on a machine that others use too.
        assert max(one.longest_seconds for one in board.tallies.values()) < 3
        assert set(board.verdicts) <= {"answered", "reset"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("actions", "workers", "times", "every"),
    [
        pytest.param([RUNNER], 2, 60, 1.7, id="F1"),
        pytest.param([API], 2, 60, 1.2, id="F2"),
        # More than five deaths of one worker in ten seconds are answered with pauses, on purpose.
        pytest.param([RUNNER], 1, 60, 2.2, id="F3"),
        pytest.param([STOP], 2, 20, 1.2, id="F25"),
        pytest.param(NURSERIES, 2, 60, 1.2, id="F27"),
    ],
)
def test_many_times(
    tmp_path: Path, actions: list[Action], workers: int, times: int, every: float
) -> None:
    survived(tmp_path, actions, workers=workers, times=times, every=every)


def check_refused(server: Running, kind: str = "good") -> None:
    """F3, F4: where no worker is, and requests have half a second, each is told no by then."""
    asked = offered(server, [kind] * 60, 100)
    assert server.http.get("/livez").status_code == 200
    verdicts = {one.outcome.verdict for one in asked}
    # Those at the end may find a worker.
    assert verdicts <= {Verdict.REFUSED, Verdict.ANSWERED}, server.server.output
    assert Verdict.REFUSED in verdicts
    assert max(one.outcome.seconds for one in asked) < 1.0


@pytest.mark.parametrize("workers", [pytest.param(1, marks=pytest.mark.slow), 2])
def test_without_any_worker_it_is_alive_and_not_ready_and_nobody_hangs(
    tmp_path: Path, workers: int
) -> None:
    """F3, F4: the nursery is killed too, so that there is none for as long as the model loads."""
    service(tmp_path, workers=workers, timeout=0.5, loads=1.0)
    with under_fire(tmp_path) as server:
        for pid in server.pids("runner-nursery") + server.pids("runner-worker"):
            os.kill(pid, signal.SIGKILL)
        with httpx2.Client(base_url=server.server.url, timeout=10) as http:
            end = time.monotonic() + 5
            while http.get("/readyz").status_code != 503:
                assert time.monotonic() < end
        check_refused(server)
        server.until(lambda status: status["state"] == "ready")
        again = offered(server, ["good"] * 20, 100)
        assert {one.outcome.verdict for one in again} == {Verdict.ANSWERED}
        assert percentile(again, 0.99) < 1.0


def test_the_detector_sees_that_nobody_is_refused_and_that_somebody_hangs(tmp_path: Path) -> None:
    """The negative control of F3 and F4: there are workers, and requests have two seconds."""
    service(tmp_path, timeout=2.0)
    with running(tmp_path, **QUIET) as server:
        with pytest.raises(AssertionError, match="REFUSED"):
            check_refused(server)
        with pytest.raises(AssertionError, match=r"< 1\.0"):
            check_refused(server, "hang")


@pytest.mark.parametrize("times", [1, pytest.param(9, marks=pytest.mark.slow)])
def test_a_supervisor_that_was_killed_leaves_its_port_to_the_next(
    tmp_path: Path, times: int
) -> None:
    """F16; the control of what is left is in tests/processes/test_stopping.py."""
    service(tmp_path)
    port, seconds = "0", []
    for _ in range(1 + times):
        began = time.monotonic()
        with launched(tmp_path, "--port", port) as server:
            port = server.url.rpartition(":")[2]
            seconds.append(time.monotonic() - began)
            server.process.kill()
            server.process.wait()
            until(lambda: not server.left(), 3.0, lambda: str(server.left()))
    print(f"F16: n={len(seconds) - 1}, the next one serves within {max(seconds[1:]):.3f} s")


def test_the_detector_sees_requests_that_are_lost(tmp_path: Path) -> None:
    """The negative control of F1, F3 and F25: with no other worker and no second try."""
    broken_service(tmp_path, "batchable=True", "batchable=True, idempotent=False", workers=1)
    with running(tmp_path, **QUIET) as server:
        record = besieged(server, [RUNNER], 2, 0.6)
        with pytest.raises(AssertionError, match="requests were lost"):
            check_survived(server, record, Scoreboard.of(record))


def test_the_detector_sees_who_is_not_let_in_what_is_late_and_what_else_has_gone(
    tmp_path: Path,
) -> None:
    """The negative control of F2 and F27."""
    service(tmp_path)
    with running(tmp_path, **QUIET) as server:
        record = besieged(server, [NURSERIES[0]], 1, 0.6)
        check_survived(server, record, Scoreboard.of(record))
        server.until_replaced("runner-worker", server.kill("runner-worker"))
        with pytest.raises(AssertionError, match="runner-worker"):
            check_survived(server, record, Scoreboard.of(record))
        record.events[0].whole_seconds = WHOLE_SECONDS
        with pytest.raises(AssertionError, match="all"):
            check_survived(server, record, Scoreboard.of(record))
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            load = Load(*nobody.getsockname())
            record.outcomes.append(asyncio.run(load.send(request())))
        with pytest.raises(AssertionError, match="requests were lost"):
            check_survived(server, record, Scoreboard.of(record))
