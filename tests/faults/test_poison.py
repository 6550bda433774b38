"""Items that hang, crash, raise or make a model answer nonsense: F5, F7 to F10, F18.

Each detector is shown a service that is broken in what it looks for.
"""

import json
import math
import resource
from pathlib import Path
from typing import Any

import pytest

from minibento.testing.chaos.load import Verdict
from tests.faults.afterwards import QUIET, under_fire
from tests.faults.model import Asked, broken_service, lost, offered, percentile, service
from tests.processes.launching import until
from tests.processes.serving import Running, running


def restarts(server: Running) -> int:
    return sum(one["restarts"] for one in server.processes("runner-worker"))


def check_hung(server: Running, requests: int, rate: float) -> None:
    """F5: one that never ends, where requests have two seconds."""
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


def hung(folder: Path, requests: int, rate: float) -> None:
    service(folder, timeout=2.0)
    with under_fire(folder) as server:
        check_hung(server, requests, rate)


def test_one_that_hangs_is_504_and_costs_its_worker(tmp_path: Path) -> None:
    hung(tmp_path, 120, 100)


@pytest.mark.slow
def test_one_of_a_thousand_hangs(tmp_path: Path) -> None:
    hung(tmp_path, 1000, 200)


@pytest.mark.parametrize(
    ("broken", "seen"),
    [
        ({"timeout": 3.0}, "< 2.5"),
        ({"timeout": 2.0, "workers": 1, "batch": 1}, "<= 24"),
    ],
)
def test_the_detector_sees_a_deadline_that_is_not_kept_and_others_that_pay(
    tmp_path: Path, broken: dict[str, Any], seen: str
) -> None:
    """The negative control of F5: without another worker whoever comes waits behind it."""
    service(tmp_path, **broken)
    with running(tmp_path, **QUIET) as server, pytest.raises(AssertionError, match=seen):
        check_hung(server, 60, 60)


def check_killed(
    server: Running, times: int, rate: float, *, good: int = 9, kind: str = "poison"
) -> None:
    """F7, F8: the same item that kills, again and again, among so many times as many good ones."""
    # The same number each time: one poison.
    kinds = [one for _ in range(times) for one in (kind, *["good"] * good)]
    asked = offered(server, kinds, rate)
    poison = [one.outcome.status for one in asked if one.kind == kind]
    fine = [one for one in asked if one.kind == "good"]
    answered = sum(one.outcome.verdict is Verdict.ANSWERED for one in fine)
    print(
        f"F8: n={times}, {restarts(server)} workers killed, {answered} of {len(fine)} good "
        f"answered, p99 {percentile(fine, 0.99):.3f} s"
    )
    assert lost(asked) == [], server.server.output
    assert answered == len(fine)
    assert set(poison) == {500}
    assert restarts(server) == 2


def killed(folder: Path, times: int, rate: float, good: int = 9) -> None:
    service(folder)
    with under_fire(folder) as server:
        check_killed(server, times, rate, good=good)


def test_one_that_kills_costs_two_workers_however_often_it_comes(tmp_path: Path) -> None:
    killed(tmp_path, 15, 100)


@pytest.mark.slow
def test_a_hundred_times_the_same_that_kills(tmp_path: Path) -> None:
    killed(tmp_path, 100, 200)


@pytest.mark.slow
def test_one_of_a_thousand_kills(tmp_path: Path) -> None:
    """F7."""
    killed(tmp_path, 1, 200, good=999)


def test_the_detector_sees_items_that_kill_again_and_again(tmp_path: Path) -> None:
    """The negative control of F8: it is never the same item."""
    service(tmp_path)
    with (
        running(tmp_path, **QUIET) as server,
        pytest.raises(AssertionError, match=r"\b[3-9] == 2\b"),
    ):
        check_killed(server, 3, 60, kind="segv")


def test_the_detector_sees_others_who_are_lost_with_the_item_that_kills(tmp_path: Path) -> None:
    """The negative control of F7: nothing is tried again."""
    broken_service(tmp_path, "batchable=True", "batchable=True, idempotent=False", workers=1)
    with running(tmp_path, **QUIET) as server, pytest.raises(AssertionError, match=r"== \[\]"):
        check_killed(server, 2, 200)


def check_isolated(server: Running, times: int, kind: str = "bad") -> None:
    """F9: one of 32 that raises."""
    failed, most = 0, 0
    for number in range(times):
        items = [{"nonce": 32 * number + one, "kind": "good"} for one in range(32)]
        bad = number % 32
        items[bad]["kind"] = kind
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
def test_items_that_kill_and_are_another_one_each_time_keep_nobody_else_waiting(
    tmp_path: Path,
) -> None:
    """F8, from a caller who means it."""
    service(tmp_path)
    with under_fire(tmp_path) as server:
        kinds = ["segv" if number % 8 == 4 else "good" for number in range(40 * 30)]
        asked = offered(server, kinds, 40)
        good = [one for one in asked if one.kind == "good"]
        answered = sum(one.outcome.verdict is Verdict.ANSWERED for one in good)
        print(
            f"F8, distinct: n={len(asked) - len(good)}, {restarts(server)} workers killed, "
            f"{answered} of {len(good)} good answered, p99 {percentile(good, 0.99):.3f} s"
        )
        assert answered >= 0.8 * len(good)
        assert restarts(server) <= 2 * (len(asked) - len(good))


def isolated(folder: Path, times: int) -> None:
    service(folder, workers=1, batch=32)
    with under_fire(folder) as server:
        check_isolated(server, times)


def test_one_that_raises_fails_alone(tmp_path: Path) -> None:
    isolated(tmp_path, 4)


@pytest.mark.slow
def test_two_hundred_batches_with_one_that_raises(tmp_path: Path) -> None:
    isolated(tmp_path, 200)


@pytest.mark.parametrize(("batch", "kind", "seen"), [(32, "short", "31 == 0"), (1, "bad", "<=")])
def test_the_detector_sees_mates_that_fail_and_a_model_that_is_called_too_often(
    tmp_path: Path, batch: int, kind: str, seen: str
) -> None:
    """The negative control of F9: a wrong number of results, and a batch for each item."""
    service(tmp_path, workers=1, batch=batch)
    with running(tmp_path, **QUIET) as server, pytest.raises(AssertionError, match=seen):
        check_isolated(server, 1, kind)


# What is answered, and what the log says of it.
NONSENSE = {
    "short": "results: return a list or array with exactly one result per item",
    "none": "answered NoneType: return a list or array",
    "other": "a builtins.object cannot cross to a runner or back",
}


def check_nonsense(server: Running, batches: int) -> None:
    """F10: one result too few, none at all, results of no known kind."""
    kinds = []
    for number in range(batches):
        kinds += ["good"] * 8 + [list(NONSENSE)[number % 3]]
    asked = offered(server, kinds, 150)
    server.until(lambda status: status["state"] == "ready")
    bad = [one for one in asked if one.kind != "good"]
    failed = [one for one in asked if one.outcome.status == 500]
    print(f"F10: n={batches}, {len(failed)} answers of 500, {crossed(asked)} crossed")
    assert crossed(asked) == 0
    assert {one.outcome.status for one in asked} <= {200, 500}
    assert all(one.outcome.status == 500 for one in bad)
    # Each has the number under which the log says what was wrong.
    numbers = [json.loads(one.outcome.body)["request_id"] for one in failed]
    for said in (*numbers, *NONSENSE.values()):
        until(lambda said=said: said in server.server.output, 5, lambda said=said: said)  # type: ignore[misc]
    assert restarts(server) == 0


def nonsense(folder: Path, batches: int) -> None:
    service(folder)
    with under_fire(folder) as server:
        check_nonsense(server, batches)


def test_a_model_that_answers_nonsense_gives_nobody_anothers_answer(tmp_path: Path) -> None:
    nonsense(tmp_path, 6)


def crossed(asked: list[Asked]) -> int:
    return sum(one.crossed for one in asked)


@pytest.mark.slow
def test_a_hundred_batches_of_nonsense(tmp_path: Path) -> None:
    nonsense(tmp_path, 100)


def test_the_detector_sees_answers_that_are_crossed(tmp_path: Path) -> None:
    """The negative control of F10 and F19: a model that gives them in another order."""
    broken_service(tmp_path, "return answers\n", "return answers[::-1]\n")
    with running(tmp_path, **QUIET) as server, pytest.raises(AssertionError, match="crossed"):
        check_nonsense(server, 3)


def check_alone(server: Running, kind: str) -> None:
    """F18: it fails as an error of its own, and no process ends."""
    api = server.pids("api-worker")
    kinds = ["good"] * 60
    kinds[20] = kind
    asked = offered(server, kinds, 100)
    (huge,) = (one.outcome for one in asked if one.kind == kind)
    assert huge.status == 500
    assert lost(asked) == [], server.server.output
    assert server.pids("api-worker") == api
    assert restarts(server) == 0


def test_a_model_that_wants_all_memory_fails_alone(tmp_path: Path) -> None:
    """F18: with a limit of the system on its process."""
    service(tmp_path)
    with under_fire(tmp_path) as server:
        for pid in server.pids("runner-worker"):
            _, hard = resource.prlimit(pid, resource.RLIMIT_AS)
            resource.prlimit(pid, resource.RLIMIT_AS, (4 * 2**30, hard))
        check_alone(server, "huge")


def test_the_detector_sees_a_worker_that_ends_of_it(tmp_path: Path) -> None:
    """The negative control of F18: as the system would end it for its memory."""
    service(tmp_path)
    with running(tmp_path, **QUIET) as server, pytest.raises(AssertionError, match="restarts"):
        check_alone(server, "segv")
