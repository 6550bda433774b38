"""More is asked than can be done: what is accepted stays good, the rest is refused at once.

Faults O1 to O4, O6, O7: a model that sleeps 5 ms and 5 ms for each of up to 8 items, so 178 a
second. What the detectors look for is shown to them by a runner that admits everybody.
"""

import asyncio
import json
import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from benchmarks.openloop.arrivals import arrivals
from benchmarks.openloop.connection import encode
from benchmarks.openloop.load import Outcome, offer
from benchmarks.openloop.summary import percentile
from tests.faults.afterwards import under_fire
from tests.faults.test_mixed import check_growth, memory
from tests.processes.launching import until
from tests.processes.serving import Running, running

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
    async def unbounded_count(self) -> int:
        return await self.unbounded.count()

    @minibento.api
    async def unbounded_held(self, path: str) -> int:
        return await self.unbounded.held(path)

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
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("overload")
    (folder / "service.py").write_text(SERVICE)
    with under_fire(folder, MINIBENTO_API_WORKERS="1") as server:
        yield server


@pytest.fixture(scope="module")
def url(server: Running) -> str:
    return server.server.url


@pytest.fixture(scope="module")
def flood(url: str) -> Sequence[Outcome]:
    """What becomes of four times the capacity, for a second, where everybody is let in."""
    return offered(url, "/unbounded_echo", 4, 1)


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


def goodput(outcomes: Sequence[Outcome], seconds: float, within: float = math.inf) -> float:
    """Answers in a second, of the capacity; the time that the last ones take counts.

    Args:
        within: Only what is answered in so many seconds is of use to anybody.
    """
    done = [one.done for one in outcomes if one.status == 200]
    good = [one for one in outcomes if one.status == 200 and one.done - one.due < within]
    return len(good) / max(seconds, *done) / CAPACITY


def longest_probe(server: Running, enough: threading.Event) -> float:
    """The longest that health, metrics and status took meanwhile, in seconds."""
    longest = 0.0
    with httpx2.Client(base_url=server.server.url, timeout=10) as http:
        while not enough.is_set():
            for page in ("/livez", "/readyz", "/metrics", "status"):
                start = time.monotonic()
                assert page == "status" or http.get(page).status_code == 200
                assert page != "status" or server.status()["state"] == "ready"
                longest = max(longest, time.monotonic() - start)
            enough.wait(0.05)
    return longest


def probed(server: Running, load: Callable[[], Sequence[Outcome]]) -> Sequence[Outcome]:
    """O6: what becomes of a load, meanwhile everything else is answered within a second."""
    enough = threading.Event()
    with ThreadPoolExecutor() as pool:
        probe = pool.submit(longest_probe, server, enough)
        try:
            outcomes = load()
        finally:
            enough.set()
    assert probe.result() < 1
    return outcomes


def median(outcomes: Sequence[Outcome], status: int) -> float:
    return percentile([one.done - one.due for one in outcomes if one.status == status], 0.5)


def check_good(outcomes: Sequence[Outcome], seconds: float) -> None:
    """O1: what is accepted stays good, the rest is refused at once."""
    assert median(outcomes, 200) < 5 * 0.2
    assert set(statuses(outcomes)) == {200, 503}
    assert goodput(outcomes, seconds) > 0.5
    assert median(outcomes, 503) < median(outcomes, 200) / 2


def test_above_its_capacity_it_answers_what_it_can_and_refuses_the_rest_at_once(
    server: Running, url: str
) -> None:
    check_good(probed(server, lambda: offered(url, "/bounded_echo", 4, 3)), 3)


def test_the_detector_sees_that_everybody_waits_for_everybody(flood: Sequence[Outcome]) -> None:
    """The negative control of O1."""
    with pytest.raises(AssertionError, match=r"< \(5 \* 0\.2\)"):
        check_good(flood, 1)


BLOCKING = """
import time

import minibento


@minibento.service
class Blocking:
    @minibento.api
    async def block(self) -> bool:
        time.sleep(1.2)
        return True
"""


def test_the_detector_sees_health_that_waits_for_the_load(tmp_path: Path) -> None:
    """The negative control of O6: a method that holds up the loop of the one API worker."""
    (tmp_path / "service.py").write_text(BLOCKING)

    with running(tmp_path, MINIBENTO_API_WORKERS="1") as blocking:

        def load() -> Sequence[Outcome]:
            assert blocking.post("/block")
            return []

        with pytest.raises(AssertionError, match="< 1"):
            probed(blocking, load)


@pytest.mark.slow
def test_at_ten_times_the_capacity_answers_stay_good_and_refusals_are_instant(
    server: Running, url: str
) -> None:
    below = offered(url, "/bounded_echo", 0.9, 20)
    before = memory(server)
    outcomes = probed(server, lambda: offered(url, "/bounded_echo", 10, 20))
    check_growth(before, memory(server))
    check_good(outcomes, 20)
    print(
        f"O1: goodput {goodput(outcomes, 20):.2f}, p99 {p99(outcomes):.3f} s, "
        f"at 0.9 {p99(below):.3f} s, of refusals {p99(outcomes, 503):.4f} s"
    )
    assert goodput(outcomes, 20) > 0.9
    assert p99(outcomes) < 2 * p99(below)
    assert p99(outcomes, 503) < 5 * 0.01
    assert all(one["restarts"] == 0 for one in server.status()["processes"])


def check_flat(curve: Sequence[float]) -> None:
    """O2: where more is asked, no less is done."""
    assert min(curve) > 0.8 * curve[0], curve


@pytest.mark.slow
def test_whatever_is_asked_no_less_is_done(url: str) -> None:
    """O2."""
    loads = (1, 2, 3, 5, 10, 20)
    curve = [goodput(offered(url, "/bounded_echo", load, 4), 4, within=1) for load in loads]
    print(f"O2: goodput at {loads} times the capacity: {[round(one, 2) for one in curve]}")
    check_flat(curve)


def test_the_detector_sees_a_goodput_that_collapses(url: str, flood: Sequence[Outcome]) -> None:
    """The negative control of O2: the model works as much, but too late for its callers."""
    assert goodput(flood, 1) > 0.5
    with pytest.raises(AssertionError):
        check_flat([0.9, goodput(flood, 1, within=1)])


def test_a_refusal_says_in_whole_seconds_when_to_come_again(url: str) -> None:
    with ThreadPoolExecutor(80) as pool, httpx2.Client(base_url=url, timeout=10) as http:
        answers = list(pool.map(lambda n: http.post("/bounded_echo", json=n), range(160)))
    refused = [one for one in answers if one.status_code == 503]
    assert refused
    assert all(int(one.headers["retry-after"]) >= 1 for one in refused)
    assert "items ahead an answer would take about" in refused[0].json()["detail"]


def check_burst_forgotten(url: str, path: str, times: float, seconds: float) -> None:
    """O7: who comes from a moment after the end of a burst on is answered as ever."""

    async def both() -> Sequence[Outcome]:
        due = arrivals("poisson", times * CAPACITY, seconds)
        # What the queue holds may last for 0.2 s, which a busy machine makes more.
        due += [seconds + 0.5 + one for one in arrivals("poisson", 0.3 * CAPACITY, 1.5)]
        port = httpx2.URL(url).port
        assert port is not None
        return await offer(port, [encode(path, b"1")] * len(due), due, keep_bodies=False)

    after = [one for one in asyncio.run(both()) if one.due >= seconds + 0.5]
    assert statuses(after) == {200: len(after)}
    assert p99(after) < 5 * 0.1


def test_the_moment_a_burst_ends_all_are_answered_as_ever(url: str) -> None:
    check_burst_forgotten(url, "/bounded_echo", 10, 1)


def test_the_detector_sees_a_burst_that_lasts_for_those_who_come_later(url: str) -> None:
    """The negative control of O7: everybody was let in."""
    with pytest.raises(AssertionError, match=r"5 \* 0\.1"):
        check_burst_forgotten(url, "/unbounded_echo", 5, 0.6)


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


def check_wasted(url: str, runner: str, *headers: str) -> Counter[int]:
    """O4: at three times the capacity no more than a tenth of the work is too late for its caller.

    The statuses.
    """
    with httpx2.Client(base_url=url, timeout=20) as http:
        before = http.post(f"/{runner}_count").json()
        outcomes = offered(url, f"/{runner}_echo", 3, 1.5, *headers)
        computed = http.post(f"/{runner}_count").json() - before
    # Who gives his request a tenth of a second has gone by half of one.
    useful = sum(one.status == 200 and one.done - one.due < 0.5 for one in outcomes)
    assert computed - useful <= 0.1 * computed
    return statuses(outcomes)


def test_work_that_nobody_waits_for_any_more_never_reaches_the_model(url: str) -> None:
    answered = check_wasted(url, "other", "Minibento-Timeout: 0.1")
    assert set(answered) <= {200, 503, 504}
    assert answered[503] > answered[504]
    assert answered[200] > 0.4 * CAPACITY * 1.5


def test_the_detector_sees_work_that_is_done_for_nobody(url: str) -> None:
    """The negative control of O4: the server is not told how long its callers wait."""
    with pytest.raises(AssertionError, match=r"<= \(0\.1"):
        check_wasted(url, "unbounded")


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


def check_exact(url: str, runner: str, go: Path, seconds: float = 10) -> None:
    """O3: of 40 that find the model busy, 10 find room in the queue and 30 are refused at once."""
    room, asked = 10, 40
    with ThreadPoolExecutor(1 + asked) as pool, httpx2.Client(base_url=url, timeout=30) as http:
        try:
            calls = [pool.submit(http.post, f"/{runner}_held", json=str(go))]
            until(go.with_suffix(".begun").exists, 10, lambda: "no batch began")
            calls += [pool.submit(http.post, f"/{runner}_held", json=str(go)) for _ in range(asked)]
            until(
                lambda: refused(calls) == asked - room,
                seconds,
                lambda: f"{refused(calls)} are refused",
            )
        finally:
            go.touch()
        answers = [one.result() for one in calls]
    found = Counter(one.status_code for one in answers)
    assert found == {200: 1 + room, 503: asked - room}
    no = [one for one in answers if one.status_code == 503]
    assert all(int(one.headers["retry-after"]) >= 1 for one in no)


def test_exactly_what_finds_no_room_is_refused_where_nothing_is_predicted(
    url: str, tmp_path: Path
) -> None:
    check_exact(url, "small", tmp_path / "go")


def test_the_detector_sees_a_queue_that_has_more_room(url: str, tmp_path: Path) -> None:
    """The negative control of O3."""
    with pytest.raises(AssertionError, match="0 are refused"):
        check_exact(url, "unbounded", tmp_path / "go", seconds=0.5)
