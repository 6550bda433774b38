"""Where calls go, and what becomes of them when a worker process is lost."""

import asyncio
import gc
import time
import weakref
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from types import SimpleNamespace
from typing import Any, ParamSpec

import pytest

from minibento.call import Call, current_call
from minibento.errors import (
    CannotCross,
    DeadlineExceeded,
    MinibentoError,
    Overloaded,
    PoisonousItem,
    Unavailable,
    WorkerDied,
)
from minibento.runners.client import Client
from minibento.runners.dispatcher import FULL_SECONDS, MOST_MOVES
from minibento.runners.leaving import leaving
from minibento.runners.method import MethodSpec
from minibento.wire.failures import to_record
from minibento.wire.messages import Call as WireCall
from minibento.wire.messages import Cancel, Credit, ErrorRecord, Failure, Message
from minibento.wire.values import decode, encode
from tests.runners.lanes import FakeWorker

P = ParamSpec("P")

METHODS = {
    "predict": MethodSpec("predict", batchable=True),
    "charge": MethodSpec("charge", idempotent=False),
    "talk": MethodSpec("talk", streams=True),
}


class Bench:
    """A client, and what its callers got."""

    def __init__(self, workers: int = 2, max_queue: int = 100) -> None:
        self.poisoned: list[str] = []
        self.resent = 0
        self.client = Client(
            "model",
            "m:1",
            METHODS,
            max_queue,
            poisoned=self.poisoned.append,
            resent=self._count,
        )
        self.workers = [self.joined() for _ in range(workers)]

    def _count(self) -> None:
        self.resent += 1

    def joined(self) -> FakeWorker:
        """One more worker."""
        worker = FakeWorker()
        self.client.attach(worker)
        return worker

    def call(
        self, item: Any, method: str = "predict", left: float | None = None, many: int | None = None
    ) -> "asyncio.Task[Any]":
        """A caller's task; `left` seconds before its deadline."""

        async def answer() -> Any:
            deadline = None if left is None else time.monotonic() + left
            current_call.set(Call("id", deadline=deadline))
            reply = await self.client.call(method, encode(item), many)
            return decode(*reply.payload)

        return asyncio.create_task(answer())

    async def calls(self, *items: Any, **options: Any) -> "list[asyncio.Task[Any]]":
        """Callers' tasks, their calls sent."""
        tasks = [self.call(item, **options) for item in items]
        await turn()
        return tasks

    def stream(self, item: Any) -> "tuple[list[Any], asyncio.Task[None]]":
        """What the reader of a stream has got, and its task."""
        got: list[Any] = []

        async def read() -> None:
            async for part in self.client.stream("talk", encode(item)):
                got.append(part)  # noqa: PERF401 - the test looks at it on the way

        return got, asyncio.create_task(read())


async def turn() -> None:
    """Let all that can go on without time go on."""
    for _ in range(5):
        await asyncio.sleep(0)


def on_a_loop(test: Callable[P, Awaitable[None]]) -> Callable[P, None]:
    """A test that runs on a loop of its own, not for ever."""

    @wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        async def main() -> None:
            async with asyncio.timeout(20):
                await test(*args, **kwargs)

        asyncio.run(main())

    return run


async def failure(task: "asyncio.Task[Any]") -> MinibentoError:
    with pytest.raises(MinibentoError) as caught:
        await task
    return caught.value


@contextmanager
def at(clock: list[float], client: Client) -> Iterator[None]:
    """The refusals' clock by hand."""
    client._refusals._clock = lambda: clock[0]
    yield


# --- where calls go ------------------------------------------------------------------------------


@on_a_loop
async def test_a_call_goes_to_the_worker_with_the_fewest_outstanding_items() -> None:
    bench = Bench()
    left, right = bench.workers
    await bench.calls([1, 2, 3, 4], many=4)
    await bench.calls("a", "b", "c", "d")
    assert (len(left.calls), right.items) == (1, ["a", "b", "c", "d"])
    right.answers("a", "b")
    await bench.calls("e", "f")
    assert right.items[-2:] == ["e", "f"]


@on_a_loop
async def test_workers_with_equal_work_take_turns() -> None:
    bench = Bench(3)
    for number in range(6):
        [task] = await bench.calls(number)
        bench.workers[number % 3].answers(number)
        assert await task == ["done", number]


@on_a_loop
async def test_an_answer_arrives_at_its_own_caller_with_how_it_went() -> None:
    bench = Bench(1)
    one, other = await bench.calls("one", "other")
    bench.workers[0].answers("other", "one")
    assert [await one, await other] == [["done", "one"], ["done", "other"]]


# --- without a worker ----------------------------------------------------------------------------


def refusal(worker: FakeWorker, item: Any, *, begun: bool = False) -> None:
    """The worker has no room for a call, or its model says that it has none."""
    record = ErrorRecord("Overloaded", "full", 503, refused=not begun)
    worker.says(Failure(worker.call_of(item).id, record))


@on_a_loop
async def test_what_a_worker_has_no_room_for_goes_to_another_that_may_have() -> None:
    bench = Bench(2)
    left, right = bench.workers
    [task] = await bench.calls("a")
    refusal(left, "a")
    assert right.items == ["a"]
    refusal(right, "a")
    assert isinstance(await failure(task), Overloaded)
    assert bench.resent == 0


@on_a_loop
async def test_a_worker_without_room_is_passed_over_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = Bench(2)
    left, right = bench.workers
    tasks = await bench.calls("a", "b")
    refusal(left, "a")
    tasks += await bench.calls("c", "d")
    assert (left.items, right.items) == (["a"], ["b", "a", "c", "d"])
    later = time.monotonic() + FULL_SECONDS
    monkeypatch.setattr(
        "minibento.runners.dispatcher.time", SimpleNamespace(monotonic=lambda: later)
    )
    tasks += await bench.calls("e")
    assert left.items == ["a", "e"]
    right.answers("b", "a", "c", "d")
    left.answers("e")
    assert await asyncio.gather(*tasks) == [["done", item] for item in "abcde"]


@on_a_loop
async def test_where_no_worker_has_room_a_call_is_refused_by_one_of_them() -> None:
    bench = Bench(2)
    left, right = bench.workers
    tasks = await bench.calls("a", "b")
    refusal(left, "a")
    refusal(right, "a")
    refusal(right, "b")
    assert (left.items, right.items) == (["a"], ["b", "a"])
    for task in tasks:
        assert isinstance(await failure(task), Overloaded)


@on_a_loop
async def test_what_a_model_says_of_its_own_room_is_its_answer() -> None:
    bench = Bench(2)
    left, right = bench.workers
    [task] = await bench.calls("a")
    refusal(left, "a", begun=True)
    assert isinstance(await failure(task), Overloaded)
    assert right.calls == []


@on_a_loop
async def test_without_a_worker_calls_wait_for_one_and_go_in_the_order_of_their_deadlines() -> None:
    bench = Bench(0)
    await bench.calls("never")
    await bench.calls("late", left=60)
    await bench.calls("soon", left=30)
    worker = bench.joined()
    assert worker.items == ["soon", "late", "never"]


@on_a_loop
async def test_so_many_items_may_wait_for_a_worker_and_one_more_is_refused() -> None:
    bench = Bench(0, max_queue=3)
    waiting = await bench.calls("a")
    waiting += await bench.calls([1, 2], many=2)
    assert isinstance(await failure(bench.call("b")), Overloaded)
    waiting[0].cancel()
    await turn()
    await bench.calls("c")
    worker = bench.joined()
    assert worker.items == [[1, 2], "c"]


@on_a_loop
async def test_who_waits_for_a_worker_is_answered_at_the_deadline() -> None:
    bench = Bench(0)
    error = await failure(bench.call("a", left=0.01))
    assert isinstance(error, DeadlineExceeded)
    assert bench.joined().calls == []


@on_a_loop
async def test_a_call_that_turns_out_too_large_when_a_worker_comes_keeps_no_other_from_it() -> None:
    class Narrow(FakeWorker):
        def send(self, message: Message) -> None:
            if isinstance(message, WireCall) and decode(*message.payload) == "large":
                raise CannotCross("too large")
            super().send(message)

    bench = Bench(workers=0)
    tasks = await bench.calls("large", "a")
    worker = Narrow()
    bench.client.attach(worker)
    assert worker.items == ["a"]
    assert isinstance(await failure(tasks[0]), CannotCross)
    worker.answers("a")
    assert await tasks[1] == ["done", "a"]


@on_a_loop
async def test_a_caller_who_leaves_waits_for_no_worker() -> None:
    bench = Bench(0)
    [task] = await bench.calls("a")
    task.cancel()
    await turn()
    assert bench.joined().calls == []
    assert bench.client.under_way() == []


@on_a_loop
async def test_a_caller_who_leaves_is_told_to_the_worker() -> None:
    bench = Bench(1)
    [task] = await bench.calls("a")
    task.cancel()
    await turn()
    assert isinstance(bench.workers[0].sent[-1], Cancel)
    assert bench.client.under_way() == []


# --- a worker is lost ----------------------------------------------------------------------------


@on_a_loop
async def test_calls_that_a_lost_worker_was_not_computing_go_to_another_at_once() -> None:
    bench = Bench()
    left, right = bench.workers
    tasks = await bench.calls("a", "b", "c", "d")
    assert (left.items, right.items) == (["a", "c"], ["b", "d"])
    left.dies()
    assert right.items == ["b", "d", "a", "c"]
    assert not any(call.alone for call in right.calls)
    right.answers("a", "b", "c", "d")
    assert await asyncio.gather(*tasks) == [["done", item] for item in "abcd"]
    assert bench.resent == 2


@on_a_loop
async def test_they_go_in_the_order_of_their_deadlines() -> None:
    bench = Bench(1)
    await bench.calls("never")
    await bench.calls("late", left=60)
    await bench.calls("soon", left=30)
    other = bench.joined()
    bench.workers[0].dies()
    assert other.items == ["soon", "late", "never"]


@on_a_loop
async def test_without_another_worker_they_wait_for_the_next_one_however_many_they_are() -> None:
    bench = Bench(1, max_queue=2)
    await bench.calls("a", "b", "c")
    bench.workers[0].dies()
    assert isinstance(await failure(bench.call("d")), Overloaded)
    assert bench.joined().items == ["a", "b", "c"]


@on_a_loop
async def test_nothing_is_sent_to_a_lost_worker_any_more() -> None:
    bench = Bench()
    left, right = bench.workers
    left.dies()
    await bench.calls("a", "b", "c")
    assert (left.calls, len(right.calls)) == ([], 3)


@on_a_loop
async def test_a_worker_that_has_gone_is_held_by_nobody() -> None:
    """Until then the memory that it shared is mapped and open, and the collector comes rarely."""
    bench = Bench()
    gc.disable()
    try:
        kept: list[BaseException] = []
        for end in ("dies", "leaves and dies", "fails and dies"):
            bench.workers.append(bench.joined())
            task = (await bench.calls("a"))[0]
            (worker,) = [one for one in bench.workers if one.calls]
            if end == "leaves and dies":
                worker.says(leaving())
            if end == "fails and dies":
                worker.says(Failure(worker.calls[-1].id, to_record(ValueError("bad"), "predict")))
                kept.append(await failure(task))  # whoever keeps it keeps its frames
            else:
                worker.answers("a")
                await task
            worker.dies()
            bench.workers.remove(worker)
            gone = weakref.ref(worker)
            del worker, task
            assert gone() is None, gc.get_referrers(gone())
    finally:
        gc.enable()


@on_a_loop
async def test_a_batch_of_other_callers_accuses_nobody_here() -> None:
    bench = Bench()
    left, right = bench.workers
    await bench.calls("a", "b")
    left.ledger.begin([], 32)
    left.dies()
    assert [call.alone for call in right.calls] == [False, False]


@on_a_loop
async def test_a_call_that_has_lost_its_worker_too_often_is_told_so() -> None:
    bench = Bench(1)
    [task] = await bench.calls("a")
    worker = bench.workers[0]
    for _ in range(MOST_MOVES):
        worker.dies()
        worker = bench.joined()
        assert worker.items == ["a"]
    worker.dies()
    error = await failure(task)
    assert isinstance(error, Unavailable)
    assert "6 worker processes ended" in str(error)
    assert bench.client.under_way() == []


@on_a_loop
async def test_callers_who_have_gone_are_not_sent_again() -> None:
    bench = Bench()
    left, right = bench.workers
    tasks = await bench.calls("a", "b", "c")
    left.computes("a")
    tasks[0].cancel()
    tasks[2].cancel()
    await turn()
    left.dies()
    assert right.items == ["b"]


# --- suspects ------------------------------------------------------------------------------------


@on_a_loop
async def test_what_a_dead_worker_was_computing_runs_alone_one_at_a_time() -> None:
    bench = Bench()
    left, right = bench.workers
    tasks = await bench.calls("a", "x", "b", "y", "c")
    left.computes("a", "b", total=5)
    left.dies()
    assert right.items == ["x", "y", "c", "a"]
    assert [call.alone for call in right.calls] == [False, False, False, True]
    right.answers("a")
    assert right.items[-1] == "b"
    assert right.calls[-1].alone
    right.answers("x", "y", "b", "c")
    assert await asyncio.gather(*tasks) == [["done", item] for item in "axbyc"]
    assert bench.poisoned == []


@on_a_loop
async def test_suspects_run_in_the_order_of_their_deadlines_while_others_are_served() -> None:
    bench = Bench(1)
    [worker] = bench.workers
    await bench.calls("never")
    await bench.calls("late", left=60)
    await bench.calls("soon", left=30)
    worker.computes("never", "late", "soon")
    worker.dies()
    worker = bench.joined()
    assert worker.items == ["soon"]
    await bench.calls("new")
    worker.answers("new", "soon")
    worker.answers("late")
    assert worker.items == ["soon", "new", "late", "never"]
    assert [call.alone for call in worker.calls] == [True, False, True, True]


@on_a_loop
async def test_when_more_were_computing_than_could_be_written_down_all_are_suspects() -> None:
    bench = Bench(1)
    [worker] = bench.workers
    await bench.calls("a", "b")
    worker.ledger.begin(range(100, 5000), 4900)
    worker.dies()
    worker = bench.joined()
    assert worker.items == ["a"]
    worker.answers("a")
    assert worker.items == ["a", "b"]


@on_a_loop
async def test_an_item_that_was_alone_by_chance_is_only_a_suspect() -> None:
    bench = Bench(1)
    [task] = await bench.calls("a")
    bench.workers[0].computes("a")
    bench.workers[0].dies()
    worker = bench.joined()
    assert worker.call_of("a").alone
    worker.answers("a")
    assert await task == ["done", "a"]


@on_a_loop
async def test_a_suspect_whose_worker_dies_before_its_turn_runs_alone_again() -> None:
    bench = Bench(1)
    [task] = await bench.calls("a")
    worker = bench.workers[0]
    worker.computes("a")
    for _ in range(3):
        worker.dies()
        worker = bench.joined()
        assert worker.call_of("a").alone
    worker.answers("a")
    assert await task == ["done", "a"]
    assert bench.poisoned == []


@on_a_loop
async def test_a_suspect_who_leaves_makes_room_for_the_next() -> None:
    bench = Bench(1)
    tasks = await bench.calls("a", "b", "c")
    bench.workers[0].computes("a", "b", "c")
    bench.workers[0].dies()
    worker = bench.joined()
    tasks[1].cancel()  # it waits
    tasks[0].cancel()  # it runs
    await turn()
    assert worker.items == ["c"]


# --- poison --------------------------------------------------------------------------------------


async def poison(bench: Bench, item: Any = "bad", many: int | None = None) -> "asyncio.Task[Any]":
    """An item that ends each worker that computes it, until it is condemned."""
    [task] = await bench.calls(item, many=many)
    for _ in range(2):
        worker = next(one for one in bench.workers if item in one.items)
        worker.computes(item, total=many)
        bench.workers.remove(worker)
        worker.dies()
        bench.workers.append(bench.joined())
    return task


@on_a_loop
async def test_an_item_alone_when_a_second_worker_dies_is_poisonous_and_refused_then() -> None:
    bench = Bench(2)
    error = await failure(await poison(bench))
    assert isinstance(error, PoisonousItem)
    assert "model.predict: this item ended the model's worker process twice" in str(error)
    assert len(bench.poisoned) == 1
    before = [len(worker.calls) for worker in bench.workers]
    again = await failure(bench.call("bad"))
    assert isinstance(again, PoisonousItem)
    assert [len(worker.calls) for worker in bench.workers] == before


@on_a_loop
async def test_no_innocent_fails_by_a_poison_and_it_costs_two_workers() -> None:
    bench = Bench(2)
    left, right = bench.workers
    good = await bench.calls("a", "b")
    [bad] = await bench.calls("bad")
    good += await bench.calls("c")
    assert left.items == ["a", "bad"]
    left.computes("a", "bad")
    left.dies()
    assert right.items == ["b", "c", "a"]
    right.answers("a")
    right.computes("bad")
    right.dies()
    assert isinstance(await failure(bad), PoisonousItem)
    worker = bench.joined()
    worker.answers("b", "c")
    assert await asyncio.gather(*good) == [["done", item] for item in "abc"]


@on_a_loop
async def test_the_same_poison_of_other_callers_reaches_no_further_worker() -> None:
    bench = Bench(1)
    tasks = await bench.calls("bad", "bad", "good")
    [worker] = bench.workers
    worker.ledger.begin([call.id for call in worker.calls], 3)
    worker.dies()
    worker = bench.joined()
    worker.computes("bad")
    worker.dies()
    worker = bench.joined()
    assert worker.items == ["good"]
    for task in tasks[:2]:
        assert isinstance(await failure(task), PoisonousItem)


@on_a_loop
async def test_an_item_found_poisonous_by_another_process_is_refused_here_too() -> None:
    finder, other = Bench(2), Bench(1)
    await failure(await poison(finder))
    other.client.refuse(finder.poisoned[0])
    assert isinstance(await failure(other.call("bad")), PoisonousItem)
    assert other.workers[0].calls == []
    await other.calls("good")
    await other.calls("bad", method="charge")
    assert other.workers[0].items == ["good", "bad"]


@on_a_loop
async def test_a_refused_item_is_tried_again_after_a_minute() -> None:
    bench, clock = Bench(1), [0.0]
    with at(clock, bench.client):
        await failure(await poison(bench))
        clock[0] = 59.0
        assert "for another 1 s" in str(await failure(bench.call("bad")))
        clock[0] = 60.0
        await bench.calls("bad")
        assert bench.workers[0].items == ["bad"]
        assert not bench.client._refusals


@on_a_loop
async def test_a_call_of_many_that_ends_two_workers_is_refused_as_a_whole() -> None:
    bench = Bench(2)
    error = await failure(await poison(bench, [1, 2, 3], many=3))
    assert isinstance(error, PoisonousItem)
    assert "one of these items" in str(error)
    assert isinstance(await failure(bench.call([1, 2, 3], many=3)), PoisonousItem)
    await bench.calls([1, 2], many=2)
    assert bench.workers[0].items + bench.workers[1].items == [[1, 2]]


# --- callers who have gone -----------------------------------------------------------------------


@on_a_loop
async def test_a_suspect_that_ends_a_second_worker_is_refused_though_its_caller_has_gone() -> None:
    bench = Bench(1)
    [task] = await bench.calls("bad")
    bench.workers[0].computes("bad")
    bench.workers[0].dies()
    worker = bench.joined()
    worker.computes("bad")
    task.cancel()
    await turn()
    worker.dies()
    bench.joined()
    assert len(bench.poisoned) == 1
    assert isinstance(await failure(bench.call("bad")), PoisonousItem)


@on_a_loop
async def test_who_always_leaves_before_the_worker_dies_costs_two_workers_too() -> None:
    bench = Bench(1)
    for number in range(2):
        [task] = await bench.calls("bad")
        worker = next(one for one in bench.workers if "bad" in one.items)
        assert worker.call_of("bad").alone == bool(number)
        worker.computes("bad")
        task.cancel()
        await turn()
        bench.workers.remove(worker)
        worker.dies()
        bench.workers.append(bench.joined())
    assert isinstance(await failure(bench.call("bad")), PoisonousItem)


@on_a_loop
async def test_an_item_that_was_suspected_without_a_caller_is_innocent_once_it_is_answered() -> (
    None
):
    bench = Bench(1)
    [task] = await bench.calls("a")
    bench.workers[0].computes("a")
    task.cancel()
    await turn()
    bench.workers[0].dies()
    worker = bench.joined()
    first, second = await bench.calls("a", "b")
    assert [call.alone for call in worker.calls] == [True, False]
    worker.answers("a", "b")
    assert [await first, await second] == [["done", "a"], ["done", "b"]]
    await bench.calls("a")
    assert not worker.calls[-1].alone


@on_a_loop
async def test_a_caller_who_left_before_its_turn_is_accused_of_nothing() -> None:
    bench = Bench(1)
    task, _ = await bench.calls("a", "b")
    bench.workers[0].computes("b")
    task.cancel()
    await turn()
    bench.workers[0].dies()
    worker = bench.joined()
    await bench.calls("a")
    assert not worker.call_of("a").alone


# --- connections that break while both processes live --------------------------------------------


@on_a_loop
async def test_a_connection_that_breaks_accuses_nobody_however_often() -> None:
    bench = Bench(1)
    [worker] = bench.workers
    [task] = await bench.calls("a")
    for _ in range(3):
        worker.computes("a")
        broken, worker = worker, bench.joined()
        broken.breaks()
        assert worker.items == []
        broken.turns_out(ended=False)
        assert not worker.call_of("a").alone
    worker.answers("a")
    assert await task == ["done", "a"]
    assert bench.poisoned == []


@on_a_loop
async def test_what_was_not_computing_waits_for_no_inquiry() -> None:
    bench = Bench()
    left, right = bench.workers
    tasks = await bench.calls("a", "x", "b")
    left.computes("a")
    left.breaks()
    assert right.items == ["x", "b"]
    assert len(bench.client.under_way()) == 3
    tasks[0].cancel()
    await turn()
    left.turns_out(ended=True)
    assert right.items == ["x", "b"]


@on_a_loop
async def test_what_may_not_run_twice_fails_when_its_connection_breaks() -> None:
    bench = Bench(1)
    [task] = await bench.calls("a", method="charge")
    bench.workers[0].computes("a", once=True)
    bench.workers[0].breaks()
    assert isinstance(await failure(task), WorkerDied)


# --- what may not run twice ----------------------------------------------------------------------


@on_a_loop
async def test_what_may_not_run_twice_fails_if_it_was_computing_and_moves_if_not() -> None:
    bench = Bench(1)
    computing, waiting = await bench.calls("a", "b", method="charge")
    bench.workers[0].computes("a", once=True)
    bench.workers[0].dies()
    error = await failure(computing)
    assert isinstance(error, WorkerDied)
    assert "may or may not have been done" in str(error)
    worker = bench.joined()
    assert worker.items == ["b"]
    worker.answers("b")
    assert await waiting == ["done", "b"]


@on_a_loop
async def test_what_may_not_run_twice_fails_too_if_its_answer_was_on_the_way() -> None:
    bench = Bench(1)
    [worker] = bench.workers
    done, computing = await bench.calls("a", "b", method="charge")
    worker.computes("a", once=True)
    worker.ledger.end()
    worker.computes("b", once=True)
    worker.dies()
    for task in (done, computing):
        assert isinstance(await failure(task), WorkerDied)
    assert bench.joined().calls == []


# --- streams -------------------------------------------------------------------------------------


@on_a_loop
async def test_a_stream_of_which_nothing_came_is_sent_again() -> None:
    bench = Bench(1)
    got, task = bench.stream("hello")
    await turn()
    bench.workers[0].dies()
    worker = bench.joined()
    worker.yields("hello", 1)
    await turn()
    assert [message for message in worker.sent if isinstance(message, Credit)]
    worker.yields("hello", 2, ends=True)
    await task
    assert got == [1, 2]
    assert bench.client.under_way() == []


@on_a_loop
async def test_a_stream_of_which_something_came_ends_with_an_error_after_it() -> None:
    bench = Bench(1)
    got, task = bench.stream("hello")
    await turn()
    bench.workers[0].yields("hello", 1, 2)
    bench.workers[0].dies()
    error = await failure(task)
    assert isinstance(error, WorkerDied)
    assert got == [1, 2]
    assert bench.joined().calls == []


@on_a_loop
async def test_a_reader_who_leaves_is_told_to_the_worker() -> None:
    bench = Bench(1)
    _, task = bench.stream("hello")
    await turn()
    task.cancel()
    await turn()
    assert isinstance(bench.workers[0].sent[-1], Cancel)
    assert bench.client.under_way() == []


# --- a worker leaves -----------------------------------------------------------------------------


@on_a_loop
async def test_a_worker_that_leaves_gets_no_new_call_and_answers_what_it_has() -> None:
    bench = Bench()
    left, right = bench.workers
    tasks = await bench.calls("a", "b")
    left.says(leaving())
    assert bench.client.lanes == 1
    tasks += await bench.calls("c", "d")
    assert (left.items, right.items) == (["a"], ["b", "c", "d"])
    left.answers("a")
    left.dies()
    right.answers("b", "c", "d")
    assert await asyncio.gather(*tasks) == [["done", item] for item in "abcd"]


@on_a_loop
async def test_what_a_leaving_worker_gives_back_goes_to_another_or_waits_for_one() -> None:
    bench = Bench(1)
    [worker] = bench.workers
    tasks = await bench.calls("a")
    tasks += await bench.calls("b", method="charge")
    got, stream = bench.stream("hello")
    await turn()
    for item in ("a", "b", "hello"):
        worker.says(leaving(worker.call_of(item).id))
    assert not any(task.done() for task in tasks)
    other = bench.joined()
    assert other.items == ["a", "b", "hello"]
    worker.dies()
    other.answers("a", "b")
    other.yields("hello", 1, ends=True)
    assert await asyncio.gather(*tasks) == [["done", "a"], ["done", "b"]]
    await stream
    assert got == [1]


@on_a_loop
async def test_a_suspect_that_is_given_back_stays_one() -> None:
    bench = Bench(1)
    [task] = await bench.calls("a")
    bench.workers[0].computes("a")
    bench.workers[0].dies()
    worker = bench.joined()
    worker.says(leaving(worker.call_of("a").id))
    other = bench.joined()
    assert other.call_of("a").alone
    other.answers("a")
    assert await task == ["done", "a"]


@on_a_loop
async def test_a_leaving_worker_that_dies_is_judged_like_any_other() -> None:
    bench = Bench(1)
    task, other_task = await bench.calls("a", "b")
    [worker] = bench.workers
    worker.says(leaving())
    worker.computes("a")
    worker.dies()
    worker = bench.joined()
    assert [(call.alone) for call in worker.calls] == [False, True]
    worker.answers("a", "b")
    assert [await task, await other_task] == [["done", "a"], ["done", "b"]]


# --- the end -------------------------------------------------------------------------------------


@on_a_loop
async def test_a_closed_client_fails_what_is_under_way_and_refuses_what_comes() -> None:
    bench = Bench(1)
    [at_worker] = await bench.calls("a")
    _, stream = bench.stream("hello")
    await turn()
    bench.client.close()
    for task in (at_worker, stream, bench.call("b")):
        assert "has stopped" in str(await failure(task))
    assert bench.workers[0].closed


@on_a_loop
async def test_a_retiring_client_refuses_new_calls_and_drains() -> None:
    bench = Bench(1)
    [task] = await bench.calls("a")
    got, stream = bench.stream("hello")
    await turn()
    bench.client.retire()
    assert "is stopping" in str(await failure(bench.call("b")))
    drained = asyncio.create_task(bench.client.drained())
    await turn()
    bench.workers[0].answers("a")
    await turn()
    assert not drained.done()
    bench.workers[0].yields("hello", 1, ends=True)
    await drained
    await stream
    assert (await task, got) == (["done", "a"], [1])
