"""The driver obeys the policy, bounds its queues, drops who has gone, sheds what is late."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

import pytest

from minibento.batching.batcher import Batcher
from minibento.batching.compute import ComputeThread
from minibento.batching.overrun import Span
from minibento.batching.policy import Adaptive, Greedy, Policy, Send, Wait, Waiting
from minibento.batching.queue import Entry, Outcome, Queue
from minibento.errors import DeadlineExceeded, Overloaded


class Clock:
    """Monotonic seconds that pass only when told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class ByHand(ComputeThread):
    """A compute thread whose batches end when the test says so."""

    def __init__(self) -> None:
        self.jobs: list[tuple[Callable[[], Any], Callable[[Any], None]]] = []

    def submit(self, job: Callable[[], Any], done: Callable[[Any], None]) -> None:
        self.jobs.append((job, done))

    def finish(self, seconds: float = 0.01) -> None:
        job, done = self.jobs.pop(0)
        outcomes, _ = job()
        done((outcomes, seconds))


class Told(Greedy):
    """A policy that decides as the test says and remembers what it is told."""

    def __init__(self, *decisions: Wait | Send) -> None:
        super().__init__(128)
        self.decisions = list(decisions)
        self.heard: list[tuple[Any, ...]] = []

    def decide(self, now: float, waiting: Waiting) -> Wait | Send:
        self.heard.append(("decide", now, len(waiting), waiting.oldest))
        return self.decisions.pop(0) if self.decisions else super().decide(now, waiting)

    def arrived(self, now: float, count: int = 1) -> None:
        self.heard.append(("arrived", now, count))

    def finished(self, now: float, count: int, seconds: float) -> None:
        self.heard.append(("finished", now, count))


class Short(Greedy):
    """A policy that knows batches up to a size to be short."""

    def __init__(self, most: int) -> None:
        super().__init__(128)
        self._most = most

    def short(self, count: int) -> bool:
        return count <= self._most


class Bench:
    """A batcher with a fake clock and compute by hand."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.compute = ByHand()
        self.batches: list[list[Any]] = []
        self.heard: list[Any] = []
        self.loops: list[Any] = []
        self.batcher = Batcher(
            self.compute,
            asyncio.get_running_loop(),
            began=lambda batch: self.heard.append([entry.item for entry in batch]),
            ended=lambda: self.heard.append("ended"),
            clock=self.clock,
        )

    def queue(
        self,
        policy: Policy | None = None,
        limit: int = 100,
        name: str = "predict",
        *,
        here: bool = False,
        longest: float | None = math.inf,
    ) -> Queue:
        queue = Queue(
            name,
            self._job,
            policy or Greedy(128),
            limit,
            here=here,
            longest=longest,
        )
        self.batcher.add(queue)
        return queue

    def put(
        self, queue: Queue, *items: Any, key: Any = None, deadline: float | None = None
    ) -> "Put":
        outcomes: list[Outcome] = []
        entries = [Entry(item, key, deadline, outcomes.append) for item in items]
        self.batcher.submit(queue, entries)
        return Put(entries, outcomes)

    def _job(self, items: Sequence[Any]) -> list[Any]:
        self.batches.append(list(items))
        self.loops.append(asyncio._get_running_loop())
        return list(items)


class Put:
    """What was put and what became of it."""

    def __init__(self, entries: list[Entry], outcomes: list[Outcome]) -> None:
        self.entries = entries
        self.outcomes = outcomes

    @property
    def values(self) -> list[Any]:
        return [outcome.value for outcome in self.outcomes]


async def turn() -> None:
    """Let the loop do what it was asked to do soon."""
    for _ in range(3):
        await asyncio.sleep(0)


def on_a_loop(test: Callable[[Bench], Awaitable[None]]) -> Callable[[], None]:
    async def run() -> None:
        await test(Bench())

    def wrapped() -> None:
        asyncio.run(run())

    wrapped.__name__ = test.__name__
    return wrapped


@on_a_loop
async def test_what_comes_in_one_loop_turn_goes_in_one_batch(bench: Bench) -> None:
    queue = bench.queue()
    for item in range(5):
        bench.put(queue, item)
    await turn()
    bench.compute.finish()
    assert bench.batches == [[0, 1, 2, 3, 4]]


@on_a_loop
async def test_while_a_batch_computes_the_next_one_forms(bench: Bench) -> None:
    queue = bench.queue()
    bench.put(queue, 1)
    await turn()
    bench.put(queue, 2)
    bench.put(queue, 3)
    await turn()
    assert len(bench.compute.jobs) == 1
    bench.compute.finish()
    bench.compute.finish()
    assert bench.batches == [[1], [2, 3]]


@on_a_loop
async def test_after_a_batch_shorter_than_any_timer_the_answers_go_before_the_next(
    bench: Bench,
) -> None:
    queue = bench.queue()
    first = bench.put(queue, 1)
    await turn()
    bench.put(queue, 2)
    bench.compute.finish(seconds=0.0002)
    assert first.values == [1]
    assert not bench.compute.jobs
    bench.put(queue, 3)  # the first caller, back already
    await turn()
    bench.compute.finish()
    assert bench.batches == [[1], [2, 3]]


@on_a_loop
async def test_a_short_batch_computes_here_where_its_queue_allows_that(bench: Bench) -> None:
    queue, other = bench.queue(Short(2), here=True), bench.queue(Short(2))
    first = bench.put(queue, 1, 2)
    await turn()
    assert first.values == [1, 2]
    assert not bench.compute.jobs
    bench.put(queue, 3, 4, 5)
    await turn()
    bench.compute.finish()  # longer ones have the thread
    bench.put(other, 6)
    await turn()
    bench.compute.finish()
    assert bench.batches == [[1, 2], [3, 4, 5], [6]]


@on_a_loop
async def test_what_computes_here_finds_no_loop_that_runs(bench: Bench) -> None:
    bench.put(bench.queue(Short(1), here=True), 1)
    await turn()
    assert bench.loops == [None]
    assert asyncio.get_running_loop().is_running()


@on_a_loop
async def test_between_two_batches_that_compute_here_the_loop_turns(bench: Bench) -> None:
    queue = bench.queue(Short(2), here=True)
    bench.put(queue, 1, 2, key="a")
    bench.put(queue, 3, key="b")
    seen = []
    for _ in range(3):
        await asyncio.sleep(0)
        seen.append(len(bench.batches))
    assert seen == [1, 2, 2]


@on_a_loop
async def test_a_batch_that_computes_here_is_announced_and_ended_like_any_other(
    bench: Bench,
) -> None:
    bench.put(bench.queue(Short(1), here=True), 1)
    await turn()
    assert bench.heard == [[1], "ended"]
    assert bench.batcher.computing is None


@on_a_loop
async def test_the_policy_decides_how_many_go_and_is_told_what_happened(bench: Bench) -> None:
    policy = Told(Send(2))
    queue = bench.queue(policy)
    bench.put(queue, 1, 2, 3)
    bench.clock.now = 101.0
    await turn()
    bench.clock.now = 105.0
    bench.compute.finish()
    assert bench.batches == [[1, 2]]
    assert policy.heard == [
        ("arrived", 100.0, 3),
        ("decide", 101.0, 3, 100.0),
        ("finished", 105.0, 2),
        ("decide", 105.0, 1, 100.0),
    ]


@on_a_loop
async def test_a_wait_ends_at_its_time_or_with_the_next_arrival(bench: Bench) -> None:
    policy = Told(Wait(100.005), Wait(200.0))
    queue = bench.queue(policy)
    bench.put(queue, 1)
    await turn()
    assert not bench.compute.jobs
    async with asyncio.timeout(2):  # the timer is real: five milliseconds
        while policy.decisions:  # noqa: ASYNC110 - the policy knows no event
            await asyncio.sleep(0.001)
    assert not bench.compute.jobs
    bench.put(queue, 2)
    await turn()
    bench.compute.finish()
    assert bench.batches == [[1, 2]]


@on_a_loop
async def test_an_outcome_says_how_large_its_batch_was_and_how_long_it_waited(bench: Bench) -> None:
    queue = bench.queue()
    first = bench.put(queue, 1)
    bench.clock.now += 0.25
    bench.put(queue, 2)
    await turn()
    bench.clock.now += 3
    bench.compute.finish()
    [outcome] = first.outcomes
    assert (outcome.batch_size, outcome.queue_seconds) == (2, 0.25)
    assert 0 <= outcome.compute_seconds < 1


@on_a_loop
async def test_a_full_queue_refuses_at_once_and_says_how_many_wait(bench: Bench) -> None:
    queue = bench.queue(limit=3)
    bench.put(queue, 0)
    await turn()  # one computes
    bench.put(queue, 1, 2, 3)
    with pytest.raises(Overloaded, match="predict: 3 items are waiting already"):
        bench.put(queue, 4)
    bench.compute.finish()
    bench.put(queue, 5)


def sleeping() -> Greedy:
    """Two seconds for each item, one at a time."""
    policy = Greedy(1)
    policy.prior([(1, 2.0)])
    return policy


@on_a_loop
async def test_what_is_predicted_to_come_too_late_is_refused_at_once(bench: Bench) -> None:
    queue = bench.queue(sleeping())
    bench.put(queue, "a")
    await turn()
    bench.clock.now = 101.0
    bench.put(queue, "b", deadline=103.5)
    with pytest.raises(Overloaded, match=r"2 items ahead .* about 3000 ms, 2498 ms") as refused:
        bench.put(queue, "c", deadline=103.5)
    assert refused.value.retry_after == 1
    with pytest.raises(Overloaded) as later:
        bench.put(queue, *"defg", deadline=103.5)
    assert later.value.retry_after == 7
    assert len(queue) == 1


@on_a_loop
async def test_where_answers_come_later_than_predicted_less_is_admitted(bench: Bench) -> None:
    queue = bench.queue(sleeping())
    bench.put(queue, "a")  # expected at once, as its own time is not predicted, comes after 2 s
    await turn()
    bench.put(queue, "b")  # expected after 2 s, comes after 2 + 4
    for seconds in (2.0, 4.0):
        bench.clock.now += seconds
        bench.compute.finish(2.0)
        await turn()
    bench.put(queue, "c")
    await turn()
    with pytest.raises(Overloaded, match=r"about 55\d\d ms, 3998 ms are allowed"):
        bench.put(queue, "d", deadline=bench.clock.now + 4.0)
    bench.put(queue, "d", deadline=bench.clock.now + 6.0)


@on_a_loop
async def test_a_stall_is_forgotten_though_everybody_is_refused_meanwhile(bench: Bench) -> None:
    """Else an idle worker would take one at a time for ever: what comes beside is refused."""
    queue = bench.queue(sleeping(), longest=5.0)
    bench.put(queue, "a")
    await turn()
    bench.put(queue, "b")
    for seconds in (2.0, 60.0):  # expected after 4 s, comes after a minute
        bench.clock.now += seconds
        bench.compute.finish(2.0)
        await turn()
    for _ in range(30):
        bench.put(queue, "alone")
        await turn()
        with suppress(Overloaded):
            bench.put(queue, "beside")
            return
        bench.clock.now += 2.0
        bench.compute.finish(2.0)
        await turn()
    raise AssertionError("all were refused")


@on_a_loop
async def test_after_one_stall_a_busy_worker_soon_admits_as_before(bench: Bench) -> None:
    policy = Adaptive(128, 0.1)
    policy.prior([(1, 0.02), (2, 0.02), (4, 0.02)])
    queue = bench.queue(policy, longest=0.2)

    async def two_batches(seconds: float) -> bool:
        """One item of each; whether the second was admitted while the first computed."""
        admitted = True
        bench.put(queue, "a")
        await turn()
        try:
            bench.put(queue, "b")
        except Overloaded:
            admitted = False
        while bench.compute.jobs:
            bench.clock.now += seconds
            bench.compute.finish(seconds)
            seconds = 0.02
            await turn()
        bench.clock.now += 1.0
        return admitted

    assert await two_batches(0.02)
    await two_batches(1.0)
    assert not await two_batches(0.02)
    for _ in range(20):
        admitted = await two_batches(0.02)
    assert admitted


@on_a_loop
async def test_a_call_of_many_that_comes_as_predicted_teaches_that_predictions_are_right(
    bench: Bench,
) -> None:
    """Though its first batches are answered long before the last, which was predicted."""
    policy = Adaptive(10, 100.0)
    policy.prior([(1, 1.0), (5, 1.0), (10, 1.0)])
    queue = bench.queue(policy)
    for _ in range(2):
        bench.put(queue, *range(100))
        await turn()
        while bench.compute.jobs:
            bench.clock.now += 1.0
            bench.compute.finish(1.0)
            assert queue.slip.seconds == pytest.approx(0, abs=1e-9)
            await turn()


@on_a_loop
async def test_what_was_asked_before_anything_was_known_teaches_nothing(bench: Bench) -> None:
    queue = bench.queue(Adaptive(128, 0.1), longest=0.2)
    bench.put(queue, "a")
    await turn()
    bench.put(queue, "b")
    for seconds in (5.0, 0.02):  # the first call imports
        bench.clock.now += seconds
        bench.compute.finish(seconds)
        await turn()
    assert queue.slip.seconds == 0


@on_a_loop
async def test_a_longest_wait_refuses_also_where_the_deadline_is_far(bench: Bench) -> None:
    queue = bench.queue(sleeping(), longest=3.0)
    bench.put(queue, "a")
    await turn()
    bench.put(queue, "b", deadline=1000.0)
    with pytest.raises(Overloaded, match="about 4000 ms, 3000 ms are allowed"):
        bench.put(queue, "c", deadline=1000.0)


@on_a_loop
async def test_without_admission_only_the_queue_is_full(bench: Bench) -> None:
    queue = bench.queue(sleeping(), longest=None, limit=5)
    bench.put(queue, "a", deadline=100.1)
    await turn()
    for item in "bcdef":
        bench.put(queue, item, deadline=100.1)
    with pytest.raises(Overloaded, match="5 items are waiting already"):
        bench.put(queue, "g", deadline=100.1)


@on_a_loop
async def test_what_waits_for_another_method_is_ahead_too(bench: Bench) -> None:
    first, second = bench.queue(sleeping()), bench.queue(sleeping(), name="score", longest=3.0)
    bench.put(first, *"abc")
    await turn()
    with pytest.raises(Overloaded, match="score: with 3 items ahead"):
        bench.put(second, "d")
    unknown = bench.queue(name="new", longest=3.0)
    with pytest.raises(Overloaded, match="new: with 3 items ahead"):
        bench.put(unknown, "d")


@on_a_loop
async def test_an_idle_worker_tries_what_it_is_asked_however_slow_it_was(bench: Bench) -> None:
    queue = bench.queue(sleeping(), longest=0.001)
    bench.put(queue, "a", deadline=100.5)
    await turn()
    assert bench.batches == []
    bench.compute.finish()
    await turn()
    assert bench.batches == [["a"]]


@on_a_loop
async def test_a_call_larger_than_the_queue_is_taken_whole_or_not_at_all(bench: Bench) -> None:
    queue = bench.queue(limit=100)
    whole = bench.put(queue, *range(10_000))
    with pytest.raises(Overloaded):
        bench.put(queue, *range(10_000))
    await turn()
    while bench.compute.jobs:
        bench.compute.finish()
    assert whole.values == list(range(10_000))
    assert max(map(len, bench.batches)) == 128


@on_a_loop
async def test_who_has_gone_is_dropped_before_the_batch_forms_and_gives_room(bench: Bench) -> None:
    """Case F11."""
    queue = bench.queue(limit=3)
    bench.put(queue, 0)
    await turn()
    gone = bench.put(queue, 1, 2)
    stays = bench.put(queue, 3)
    for entry in gone.entries:
        queue.forget(entry)
        queue.forget(entry)  # once is enough; twice is no harm
    assert (len(queue), bench.batcher.waiting) == (1, 1)
    bench.put(queue, 4, 5)
    bench.compute.finish()
    bench.compute.finish()
    assert bench.batches == [[0], [3, 4, 5]]
    assert (gone.values, stays.values) == ([], [3])
    assert bench.batcher.waiting == 0


@on_a_loop
async def test_callers_that_come_and_go_while_a_batch_computes_fill_no_memory(bench: Bench) -> None:
    queue = bench.queue(limit=10)
    bench.put(queue, 0)
    await turn()
    stays = bench.put(queue, 1)
    for _ in range(1000):
        gone = bench.put(queue, 2)
        queue.forget(gone.entries[0])
    assert len(queue) == 1
    assert len(queue._entries) < 10
    bench.compute.finish()
    bench.compute.finish()
    assert stays.values == [1]


@on_a_loop
async def test_a_caller_that_goes_while_its_batch_computes_is_not_answered(bench: Bench) -> None:
    queue = bench.queue()
    gone, stays = bench.put(queue, 1), bench.put(queue, 2)
    await turn()
    queue.forget(gone.entries[0])
    bench.compute.finish()
    assert (gone.values, stays.values) == ([], [2])
    assert len(queue) == 0


@on_a_loop
async def test_a_caller_who_cannot_be_told_keeps_nobody_else_from_the_answer(bench: Bench) -> None:
    told: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, found: told.append(found["message"]))

    def fails(_: Outcome) -> None:
        raise MemoryError

    queue = bench.queue()
    for _ in range(2):
        bench.batcher.submit(queue, [Entry(1, None, None, fails)])
        mate = bench.put(queue, 2)
        await turn()
        bench.compute.finish()
        await turn()
        assert mate.values == [2]
    assert told == ["an answer could not be sent"] * 2


@on_a_loop
async def test_all_gone_and_the_batcher_is_drained(bench: Bench) -> None:
    queue = bench.queue(Told(Wait(100.001)))
    gone = bench.put(queue, 1)
    await turn()
    queue.forget(gone.entries[0])
    async with asyncio.timeout(2):
        await bench.batcher.drained()
    assert bench.batches == []


@on_a_loop
async def test_what_is_too_late_is_shed_before_it_costs_and_told_so(bench: Bench) -> None:
    queue = bench.queue()
    bench.put(queue, 0)
    await turn()
    late = bench.put(queue, 1, deadline=100.5)
    on_time = bench.put(queue, 2, deadline=200.0)
    bench.clock.now = 101.0
    bench.compute.finish()
    bench.compute.finish()
    assert bench.batches == [[0], [2]]
    assert on_time.values == [2]
    [error] = late.values
    assert isinstance(error, DeadlineExceeded)
    assert "predict: after waiting 1000 ms, 0 ms were left" in str(error)


@on_a_loop
async def test_when_all_are_too_late_the_next_are_looked_at(bench: Bench) -> None:
    queue = bench.queue(Told(Send(1), Send(1)))
    late = bench.put(queue, 1, deadline=99.0)
    good = bench.put(queue, 2)
    await turn()
    bench.compute.finish()
    assert isinstance(late.values[0], DeadlineExceeded)
    assert good.values == [2]


@on_a_loop
async def test_items_that_do_not_stack_form_batches_of_their_own_in_order(bench: Bench) -> None:
    queue = bench.queue()
    for item in ["a1", "b1", "a2", "c1", "b2", "a3"]:
        bench.put(queue, item, key=item[0])
    await turn()
    while bench.compute.jobs:
        bench.compute.finish()
    assert bench.batches == [["a1", "a2", "a3"], ["b1", "b2"], ["c1"]]


@on_a_loop
async def test_methods_share_the_thread_oldest_first(bench: Bench) -> None:
    one, two = bench.queue(name="one"), bench.queue(name="two")
    bench.put(one, "1a")
    await turn()
    for number in range(3):
        bench.clock.now += 1
        bench.put(two, f"2{number}")
        bench.clock.now += 1
        bench.put(one, f"1{number}")
    while bench.compute.jobs:
        bench.compute.finish()
        bench.clock.now += 1
    assert bench.batches == [["1a"], ["20", "21", "22"], ["10", "11", "12"]]


@on_a_loop
async def test_a_method_that_waits_lets_another_one_go(bench: Bench) -> None:
    patient, ready = bench.queue(Told(Wait(1000.0))), bench.queue()
    bench.put(patient, "patient")
    bench.put(ready, "ready")
    await turn()
    bench.compute.finish()
    assert bench.batches == [["ready"]]


@on_a_loop
async def test_drained_waits_for_what_waits_and_what_computes(bench: Bench) -> None:
    queue = bench.queue(Greedy(1))
    bench.put(queue, 1, 2)
    await turn()
    drained = asyncio.create_task(bench.batcher.drained())
    bench.compute.finish()
    await turn()
    assert not drained.done()
    bench.compute.finish()
    await turn()
    assert drained.done()


@on_a_loop
async def test_refuse_all_answers_what_still_waits_with_the_error(bench: Bench) -> None:
    queue = bench.queue()
    computing = bench.put(queue, 1)
    await turn()
    waiting = bench.put(queue, 2, 3)
    error = RuntimeError("stop")
    bench.batcher.refuse_all(error)
    assert waiting.values == [error, error]
    bench.compute.finish()
    assert computing.values == [1]
    assert bench.batcher.waiting == 0


@on_a_loop
async def test_each_batch_is_announced_before_it_computes_and_when_it_has_ended(
    bench: Bench,
) -> None:
    queue = bench.queue()
    bench.put(queue, 1, 2)
    await turn()
    assert bench.heard == [[1, 2]]
    assert not bench.batches
    bench.put(queue, 3)
    bench.compute.finish()
    assert bench.heard == [[1, 2], "ended", [3]]
    bench.compute.finish()
    await turn()
    assert bench.heard == [[1, 2], "ended", [3], "ended"]


@on_a_loop
async def test_it_says_since_when_and_until_when_a_batch_computes_and_what_is_left(
    bench: Bench,
) -> None:
    queue = bench.queue()
    assert (bench.batcher.computing, bench.batcher.outstanding) == (None, 0)
    bench.put(queue, 1, 2, deadline=130.0)
    await turn()
    bench.put(queue, 3)
    assert (bench.batcher.computing, bench.batcher.outstanding) == (Span(100.0, 130.5), 3)
    bench.compute.finish()
    bench.compute.finish()
    assert (bench.batcher.computing, bench.batcher.outstanding) == (None, 0)
