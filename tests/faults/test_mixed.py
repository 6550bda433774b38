"""Everything at once, each request with a number of its own: F11, F12, F19."""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from minibento.processes.supervisor.kernel_view import private_bytes
from tests.faults.afterwards import QUIET, under_fire
from tests.faults.model import broken_service, gauges, lost, offered, percentile, service
from tests.processes.serving import Running, running

MIB = 2**20
GAUGES = {"minibento_queue_length", "minibento_requests_in_flight"}
REFUSED = {503, 504}


def memory(server: Running) -> dict[str, float]:
    """Private memory of each process in MiB, by its place."""
    return {
        f"{one['role']} {one['slot']}": (private_bytes(one["pid"]) or 0) / MIB
        for one in server.status()["processes"]
        if one["state"] != "retiring"
    }


def check_idle(server: Running, seconds: float = 20.0) -> None:
    """F11, F12: nothing is queued and nothing in flight."""
    assert {name.partition("{")[0] for name in gauges(server)} == GAUGES, gauges(server)
    server.until(lambda _: set(gauges(server).values()) == {0.0}, seconds)


def check_growth(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    """What each process has more, in MiB, which is no leak."""
    growth = {name: after[name] - before[name] for name in before}
    assert max(growth.values()) <= 20, growth
    return growth


def left(folder: Path, requests: int) -> None:
    """F11: clients leave at random within a third of a second."""
    service(folder)
    with under_fire(folder) as server:
        asked = offered(server, ["leaving"] * requests, 300)
        check_idle(server)
        verdicts = Counter(one.outcome.verdict.value for one in asked)
        print(f"F11: n={requests}, {dict(verdicts)}, gauges {gauges(server)}")
        assert set(verdicts) == {"left", "answered"}
        assert all(one["restarts"] == 0 for one in server.status()["processes"])


def test_clients_that_leave_leave_nothing_behind(tmp_path: Path) -> None:
    left(tmp_path, 300)


@pytest.mark.slow
def test_ten_thousand_clients_that_leave(tmp_path: Path) -> None:
    left(tmp_path, 10_000)


def mixed(folder: Path, requests: int, rate: float, kills: int, timeout: float = 10.0) -> None:
    """F12, F19: good, bad, slow, leaving and, some times, killing."""
    chance = random.Random(3)
    weights = {"good": 90, "bad": 2, "slow": 2, "leaving": 5, "short": 1}
    kinds = chance.choices(list(weights), list(weights.values()), k=requests)
    for number in range(kills):
        kinds[(2 * number + 1) * requests // (2 * kills)] = "segv"
    service(folder, batch=32, timeout=timeout)
    with under_fire(folder) as server:
        offered(server, kinds[: requests // 20], rate)  # what is made once is there
        before = memory(server)
        asked = offered(server, kinds, rate)
        server.until(lambda status: status["state"] == "ready", 60)
        check_idle(server)
        after = memory(server)
        statuses = Counter(f"{one.kind} {one.outcome.status}" for one in asked)
        crossed = sum(one.crossed for one in asked)
        print(f"F19: n={requests}, {crossed} crossed, {dict(sorted(statuses.items()))}")
        print(
            f"  p99 {percentile(asked, 0.99):.2f} s, growth in MiB: {check_growth(before, after)}"
        )
        assert crossed == 0
        # In a batch with one that makes the model answer nonsense all are told so.
        really = [one for one in lost(asked) if one.status != 500]
        assert really == [], server.server.output
        assert all(one.outcome.status in {0, 500, *REFUSED} for one in asked if one.kind == "segv")


def test_no_answer_is_crossed_and_nothing_is_left(tmp_path: Path) -> None:
    mixed(tmp_path, 500, 200, 1)


@pytest.mark.slow
def test_a_hundred_thousand_mixed_requests(tmp_path: Path) -> None:
    mixed(tmp_path, 100_000, 250, 20)


@pytest.mark.slow
def test_a_mixture_that_is_more_than_can_be_done_is_refused_in_time(tmp_path: Path) -> None:
    """Nobody waits for longer than his deadline."""
    mixed(tmp_path, 30_000, 600, 6, timeout=1.0)


def test_the_detector_sees_a_request_that_holds_its_place(tmp_path: Path) -> None:
    """The negative control of F11 and F12: the model never ends, nor does its caller leave."""
    service(tmp_path, timeout=2.0)
    with running(tmp_path, **QUIET) as server, ThreadPoolExecutor(1) as pool:
        check_idle(server)
        hangs = pool.submit(offered, server, ["hang"], 10)
        server.until(lambda _: 1.0 in gauges(server).values())
        with pytest.raises(AssertionError):
            check_idle(server, 0.2)
        assert [one.outcome.status for one in hangs.result(20)] == [504]
        check_idle(server)


def test_the_detector_sees_what_is_kept_of_each_request(tmp_path: Path) -> None:
    """The negative control of F12 and F19; of descriptors, the one in test_afterwards.py."""
    keeping = "self.calls += 1\n        self.kept = [*getattr(self, 'kept', []), b'x' * 2**21]"
    broken_service(tmp_path, "self.calls += 1", keeping, batch=1)
    with running(tmp_path, **QUIET) as server:
        before = memory(server)
        offered(server, ["good"] * 60, 90)
        with pytest.raises(AssertionError, match="<= 20"):
            check_growth(before, memory(server))
