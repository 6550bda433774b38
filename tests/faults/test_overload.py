"""More is asked than can be done: what is accepted stays good, the rest is refused at once.

Faults O1 to O7: a model that sleeps 5 ms and 5 ms for each of up to 8 items, so 178 a second.
"""

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from benchmarks.openloop.arrivals import arrivals
from benchmarks.openloop.connection import encode
from benchmarks.openloop.load import Outcome, offer
from benchmarks.openloop.summary import percentile
from tests.faults.afterwards import under_fire
from tests.processes.launching import until

CAPACITY = 8 / 0.045
SERVICE = """
import time
from pathlib import Path

import minibento

STALL = 10**9


class Sleeper:
    def __init__(self):
        self.computed = 0

    @minibento.method(batchable=True, example=[0])
    def echo(self, numbers: list[int]) -> list[int]:
        time.sleep(1.5 if STALL in numbers else 0.005 + 0.005 * len(numbers))
        self.computed += len(numbers)
        return numbers

    @minibento.method
    def count(self) -> int:
        return self.computed

    @minibento.method(batchable=True)
    def held(self, paths: list[str]) -> list[int]:
        Path(paths[0]).with_suffix(".begun").touch()
        while not Path(paths[0]).exists():
            time.sleep(0.01)
        return [len(paths)] * len(paths)


@minibento.service(timeout=30)
class Sleeping:
    bounded = minibento.Runner(Sleeper, max_batch_size=8, max_wait_ms=200)
    other = minibento.Runner(Sleeper, max_batch_size=8)
    unbounded = minibento.Runner(Sleeper, max_batch_size=8, admission=False)
    small = minibento.Runner(Sleeper, max_batch_size=4, max_queue=10, admission=False)

    @minibento.api
    async def bounded_echo(self, number: int) -> int:
        return await self.bounded.echo(number)

    @minibento.api
    async def other_echo(self, number: int) -> int:
        return await self.other.echo(number)

    @minibento.api
    async def other_count(self) -> int:
        return await self.other.count()

    @minibento.api
    async def unbounded_echo(self, number: int) -> int:
        return await self.unbounded.echo(number)

    @minibento.api(timeout=1.0)
    def in_thread(self, number: int) -> int:
        time.sleep(0.2)
        return number

    @minibento.api
    async def small_held(self, path: str) -> int:
        return await self.small.held(path)
"""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("overload")
    (folder / "service.py").write_text(SERVICE)
    with under_fire(folder, MINIBENTO_API_WORKERS="1") as running:
        yield running.server.url


def offered(url: str, path: str, times: float, seconds: float, *headers: str) -> Sequence[Outcome]:
    """What becomes of Poisson arrivals at so many times the capacity; each number is a nonce."""
    due = arrivals("poisson", times * CAPACITY, seconds)
    requests = [encode(path, b"%d" % number, *headers) for number in range(len(due))]
    port = httpx2.URL(url).port
    assert port is not None
    outcomes = asyncio.run(offer(port, requests, due, keep_bodies=True))
    for number, one in enumerate(outcomes):
        assert one.status != 200 or json.loads(one.body) == number
    return outcomes


def statuses(outcomes: Sequence[Outcome]) -> Counter[int]:
    return Counter(one.status for one in outcomes)


def p99(outcomes: Sequence[Outcome], status: int = 200) -> float:
    return percentile([one.done - one.due for one in outcomes if one.status == status], 0.99)


def goodput(outcomes: Sequence[Outcome], seconds: float) -> float:
    """Answers in a second, of the capacity; the time that the last ones take counts."""
    done = [one.done for one in outcomes if one.status == 200]
    return len(done) / max(seconds, *done) / CAPACITY


def longest_probe(url: str, enough: threading.Event) -> float:
    """The longest that health and metrics took meanwhile, in seconds."""
    longest = 0.0
    with httpx2.Client(base_url=url, timeout=10) as http:
        while not enough.is_set():
            for page in ("/livez", "/readyz", "/metrics"):
                start = time.monotonic()
                assert http.get(page).status_code == 200
                longest = max(longest, time.monotonic() - start)
            enough.wait(0.05)
    return longest


def median(outcomes: Sequence[Outcome], status: int) -> float:
    return percentile([one.done - one.due for one in outcomes if one.status == status], 0.5)


def test_above_its_capacity_it_answers_what_it_can_and_refuses_the_rest_at_once(url: str) -> None:
    outcomes = offered(url, "/bounded_echo", 4, 3)
    assert set(statuses(outcomes)) == {200, 503}
    assert goodput(outcomes, 3) > 0.5
    assert median(outcomes, 200) < 5 * 0.2
    assert median(outcomes, 503) < median(outcomes, 200) / 2


@pytest.mark.slow
def test_at_ten_times_the_capacity_answers_stay_good_and_refusals_are_instant(url: str) -> None:
    enough = threading.Event()
    with ThreadPoolExecutor() as pool:
        probe = pool.submit(longest_probe, url, enough)
        try:
            outcomes = offered(url, "/bounded_echo", 10, 20)
        finally:
            enough.set()
    assert set(statuses(outcomes)) == {200, 503}
    assert goodput(outcomes, 20) > 0.8
    assert p99(outcomes) < 5 * 0.25
    assert p99(outcomes, 503) < 5 * 0.01
    assert probe.result() < 1


def test_a_refusal_says_in_whole_seconds_when_to_come_again(url: str) -> None:
    with ThreadPoolExecutor(80) as pool, httpx2.Client(base_url=url, timeout=10) as http:
        answers = list(pool.map(lambda n: http.post("/bounded_echo", json=n), range(160)))
    refused = [one for one in answers if one.status_code == 503]
    assert refused
    assert all(int(one.headers["retry-after"]) >= 1 for one in refused)
    assert "items ahead an answer would take about" in refused[0].json()["detail"]


@pytest.mark.slow
def test_the_moment_a_burst_ends_all_are_answered_as_ever(url: str) -> None:
    offered(url, "/bounded_echo", 10, 1)
    after = offered(url, "/bounded_echo", 0.3, 2)
    assert statuses(after) == {200: len(after)}
    assert p99(after) < 5 * 0.1


def test_a_model_that_stood_still_is_soon_asked_as_much_as_before(url: str) -> None:
    """While the stall counts everybody is refused who does not find the worker idle."""
    with ThreadPoolExecutor(1) as pool:
        stall = pool.submit(httpx2.post, f"{url}/bounded_echo", json=10**9, timeout=10)
        during = offered(url, "/bounded_echo", 2, 2)
        assert stall.result().status_code == 200
    assert 503 in statuses(during)
    after = offered(url, "/bounded_echo", 2, 3)
    assert goodput(after, 3) > 0.7


@pytest.mark.slow
def test_without_admission_everybody_waits_for_everybody(url: str) -> None:
    """The negative control: what the tests here look for is there to be found."""
    outcomes = offered(url, "/unbounded_echo", 5, 2)
    assert statuses(outcomes) == {200: len(outcomes)}
    assert p99(outcomes) > 5 * 0.25


@pytest.mark.slow
def test_callers_who_come_back_at_once_do_not_keep_it_down(url: str) -> None:
    end, answered = time.monotonic() + 3, Counter[int]()

    def storm(_: int) -> None:
        with httpx2.Client(base_url=url, timeout=10) as http:
            while time.monotonic() < end:
                answered[http.post("/bounded_echo", json=1).status_code] += 1

    with ThreadPoolExecutor(48) as pool:
        list(pool.map(storm, range(48)))
    assert set(answered) == {200, 503}
    assert answered[200] / 3 > 0.4 * CAPACITY
    after = offered(url, "/bounded_echo", 0.3, 1)
    assert statuses(after) == {200: len(after)}


@pytest.mark.slow
def test_a_flooded_runner_does_not_slow_another(url: str) -> None:
    quiet = offered(url, "/other_echo", 0.2, 2)
    with ThreadPoolExecutor() as pool:
        flood = pool.submit(offered, url, "/bounded_echo", 5, 3)
        beside = offered(url, "/other_echo", 0.2, 2)
    assert 503 in statuses(flood.result())
    assert statuses(beside) == {200: len(beside)}
    assert median(beside, 200) < median(quiet, 200) + 0.1


def test_work_that_nobody_waits_for_any_more_never_reaches_the_model(url: str) -> None:
    with httpx2.Client(base_url=url, timeout=10) as http:
        before = http.post("/other_count").json()
        outcomes = offered(url, "/other_echo", 3, 3, "Minibento-Timeout: 0.1")
        computed = http.post("/other_count").json() - before
    answered = statuses(outcomes)
    assert set(answered) <= {200, 503, 504}
    assert answered[503] > answered[504]
    assert answered[200] > 0.4 * CAPACITY * 3
    assert computed - answered[200] <= 0.1 * computed


def answered_in_threads(url: str) -> Counter[int]:
    """What becomes of three times as many calls of a `def` method as its 40 threads can take."""
    found = statuses(offered(url, "/in_thread", 600 / CAPACITY, 4))
    assert set(found) <= {200, 503, 504}
    return found


def test_a_method_that_waits_for_a_thread_answers_what_it_can_and_refuses_the_rest(
    url: str,
) -> None:
    found = answered_in_threads(url)
    assert found[200] > 0.6 * 200 * 4
    assert found[503] > 5 * found[504]


@pytest.mark.slow
def test_without_admission_threads_work_for_those_who_have_given_up(tmp_path: Path) -> None:
    """The control."""
    (tmp_path / "service.py").write_text(SERVICE)
    with under_fire(tmp_path, MINIBENTO_API_WORKERS="1", MINIBENTO_API_ADMISSION="no") as running:
        found = answered_in_threads(running.server.url)
    assert found[503] == 0
    assert found[200] < 0.6 * 200 * 4


def refused(calls: Sequence[Future[httpx2.Response]]) -> int:
    return sum(one.done() for one in calls)


def test_exactly_what_finds_no_room_is_refused_where_nothing_is_predicted(
    url: str, tmp_path: Path
) -> None:
    go, room, asked = tmp_path / "go", 10, 40
    with ThreadPoolExecutor(1 + asked) as pool, httpx2.Client(base_url=url, timeout=30) as http:
        calls = [pool.submit(http.post, "/small_held", json=str(go))]
        until(go.with_suffix(".begun").exists, 10, lambda: "no batch began")
        calls += [pool.submit(http.post, "/small_held", json=str(go)) for _ in range(asked)]
        until(lambda: refused(calls) == asked - room, 10, lambda: f"{refused(calls)} are refused")
        go.touch()
        found = Counter(one.result().status_code for one in calls)
    assert found == {200: 1 + room, 503: asked - room}
