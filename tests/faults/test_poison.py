"""Items that hang, crash, raise or make a model answer nonsense: F5, F8 to F10, F18."""

import json
import math
import resource
from pathlib import Path

import pytest

from minibento.testing.chaos.load import Verdict
from tests.faults.afterwards import under_fire
from tests.faults.model import Asked, lost, offered, percentile, service
from tests.processes.serving import Running


def restarts(server: Running) -> int:
    return sum(one["restarts"] for one in server.processes("runner-worker"))


def hung(folder: Path, requests: int, rate: float) -> None:
    """F5: one that never ends."""
    service(folder, timeout=2.0)
    with under_fire(folder) as server:
        kinds = ["good"] * requests
        kinds[requests // 4] = "hang"
        asked = offered(server, kinds, rate)
        (hang,) = (one.outcome for one in asked if one.kind == "hang")
        refused = [one for one in asked if one.outcome.status == 504 and one.kind == "good"]
        print(
            f"F5: n={requests}, 504 after {hang.seconds:.3f} s, {len(refused)} behind it are 504, "
            f"p99 of the others {percentile(asked, 0.99):.3f} s"
        )
        assert hang.status == 504
        assert 1.9 < hang.seconds < 2.5
        assert lost(asked) == [], server.server.output
        # Those of its batch, and those that were behind it until the other worker had as much.
        assert len(refused) <= 24
        server.until(lambda _: restarts(server) == 1)


def test_one_that_hangs_is_504_and_costs_its_worker(tmp_path: Path) -> None:
    hung(tmp_path, 120, 100)


@pytest.mark.slow
def test_one_of_a_thousand_hangs(tmp_path: Path) -> None:
    hung(tmp_path, 1000, 200)


def killed(folder: Path, times: int, rate: float) -> None:
    """F8: the same item that kills, again and again, among good ones."""
    service(folder)
    with under_fire(folder) as server:
        # The same number each time: one poison.
        kinds = [kind for _ in range(times) for kind in ("poison", *["good"] * 9)]
        asked = offered(server, kinds, rate)
        poison = [one.outcome.status for one in asked if one.kind == "poison"]
        good = [one for one in asked if one.kind == "good"]
        answered = sum(one.outcome.verdict is Verdict.ANSWERED for one in good)
        print(
            f"F8: n={times}, {restarts(server)} workers killed, {answered} of {len(good)} good "
            f"answered, p99 {percentile(good, 0.99):.3f} s"
        )
        assert lost(asked) == [], server.server.output
        assert answered == len(good)
        assert set(poison) == {500}
        assert restarts(server) == 2


def test_one_that_kills_costs_two_workers_however_often_it_comes(tmp_path: Path) -> None:
    killed(tmp_path, 15, 100)


@pytest.mark.slow
def test_a_hundred_times_the_same_that_kills(tmp_path: Path) -> None:
    killed(tmp_path, 100, 200)


def isolated(folder: Path, times: int) -> None:
    """F9: one of 32 that raises."""
    service(folder, workers=1, batch=32)
    with under_fire(folder) as server:
        failed, most = 0, 0
        for number in range(times):
            items = [{"nonce": 32 * number + one, "kind": "good"} for one in range(32)]
            bad = number % 32
            items[bad]["kind"] = "bad"
            before = server.post("/called")
            answers = server.post("/together", items)
            most = max(most, server.post("/called") - before - 1)
            assert answers[bad] is None
            failed += sum(
                answer != [32 * number + one, 2 * (32 * number + one)]
                for one, answer in enumerate(answers)
                if one != bad
            )
        print(f"F9: n={times}, {failed} of {31 * times} mates failed, {most} extra calls at most")
        assert failed == 0
        assert most <= 2 * math.log2(32) + 1


@pytest.mark.slow
def test_two_hundred_batches_with_one_that_raises(tmp_path: Path) -> None:
    isolated(tmp_path, 200)


def nonsense(folder: Path, batches: int) -> None:
    """F10: one result too few, none at all, results of no known kind."""
    service(folder)
    with under_fire(folder) as server:
        kinds = []
        for number in range(batches):
            kinds += ["good"] * 8 + [("short", "none", "other")[number % 3]]
        asked = offered(server, kinds, 150)
        server.until(lambda status: status["state"] == "ready")
        bad = [one for one in asked if one.kind != "good"]
        failed = [one for one in asked if one.outcome.status == 500]
        print(f"F10: n={batches}, {len(failed)} answers of 500, {crossed(asked)} crossed")
        assert crossed(asked) == 0
        assert {one.outcome.status for one in asked} <= {200, 500}
        assert all(one.outcome.status == 500 for one in bad)
        titles = {json.loads(one.outcome.body)["title"] for one in failed}
        assert titles, failed
        assert restarts(server) == 0


def crossed(asked: list[Asked]) -> int:
    return sum(one.crossed for one in asked)


@pytest.mark.slow
def test_a_hundred_batches_of_nonsense(tmp_path: Path) -> None:
    nonsense(tmp_path, 100)


def test_a_model_that_wants_all_memory_fails_alone(tmp_path: Path) -> None:
    """F18: with a limit of the system on its process."""
    service(tmp_path)
    with under_fire(tmp_path) as server:
        for pid in server.pids("runner-worker"):
            _, hard = resource.prlimit(pid, resource.RLIMIT_AS)
            resource.prlimit(pid, resource.RLIMIT_AS, (4 * 2**30, hard))
        api = server.pids("api-worker")
        kinds = ["good"] * 60
        kinds[20] = "huge"
        asked = offered(server, kinds, 100)
        (huge,) = (one.outcome for one in asked if one.kind == "huge")
        assert huge.status == 500
        assert lost(asked) == [], server.server.output
        assert server.pids("api-worker") == api
        assert restarts(server) == 0
