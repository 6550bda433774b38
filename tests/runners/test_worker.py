"""The worker's end: what its callers can know of it, what runs apart, who is forgotten."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from minibento.errors import ModelError, Overloaded
from minibento.metrics import Metrics
from minibento.runners.leaving import leaving
from minibento.runners.method import method
from minibento.runners.options import Options
from minibento.runners.source import ClassSource
from minibento.runners.worker import Worker, WorkerState
from minibento.wire.ledger import Computing
from minibento.wire.memory import pair
from minibento.wire.messages import Call, Failure, Message, Reply
from minibento.wire.values import encode
from tests.runners.lanes import FakeCaller
from tests.runners.test_client import on_a_loop


class Model:
    """Its batches can be held."""

    def __init__(self) -> None:
        self.batches: list[Any] = []
        self.entered = threading.Semaphore(0)
        self.go_on = threading.Semaphore(0)
        self.ended = threading.Event()

    @method(batchable=True)
    def double(self, items: list[Any]) -> list[Any]:
        self.batches.append(items)
        self.entered.release()
        assert self.go_on.acquire(timeout=10)
        return [item * 2 for item in items]

    @method(batchable=True, idempotent=False)
    def charge(self, items: list[Any]) -> list[Any]:
        return items

    @method
    def declines(self) -> None:
        raise Overloaded("not today")

    @method
    def count(self, stop: int) -> Iterator[int]:
        try:
            self.entered.release()
            yield from range(stop)
        finally:
            self.ended.set()


class Bench:
    def __init__(self, worker: Worker, model: Model) -> None:
        self.worker = worker
        self.model = model

    def joined(self) -> FakeCaller:
        """One more caller."""
        caller = FakeCaller()
        self.worker.serve(caller)
        return caller

    async def begun(self) -> None:
        """A batch computes."""
        assert await asyncio.to_thread(self.model.entered.acquire, timeout=10)

    async def answered(self, caller: FakeCaller, *calls: int) -> None:
        """Let batches go on until these calls are answered."""
        while not set(calls) <= set(caller.replies):
            self.model.go_on.release()
            await asyncio.sleep(0.001)


@asynccontextmanager
async def started(**options: Any) -> AsyncIterator[Bench]:
    model = Model()
    worker = Worker(
        "model", ClassSource(Model, None), Options(**options), Metrics(), runnable=model
    )
    await worker.start()
    try:
        yield Bench(worker, model)
    finally:
        for _ in range(20):
            model.go_on.release()
        await worker.stop(5)


# --- the ledger ----------------------------------------------------------------------------------


@on_a_loop
async def test_a_batch_stands_in_the_ledger_of_each_caller_while_it_computes() -> None:
    async with started() as bench:
        here, there, idle = bench.joined(), bench.joined(), bench.joined()
        one, two = here.calls("double", 1), here.calls("double", [2, 3], many=2)
        other = there.calls("double", 4)
        await bench.begun()
        waiting = here.calls("double", 5)
        assert here.computing() == Computing(frozenset({one, two}), 4)
        assert there.computing() == Computing(frozenset({other}), 4)
        assert idle.computing() is None
        bench.model.go_on.release()
        await bench.begun()
        assert here.computing() == Computing(frozenset({waiting}), 1)
        assert there.computing() is None
        await bench.answered(here, waiting)
        assert here.computing() is None


@on_a_loop
async def test_a_call_of_very_many_items_stands_there_by_its_one_number() -> None:
    """Else its page would be full, and each call of this caller suspected with it."""
    async with started(max_batch_size=1024) as bench:
        caller = bench.joined()
        call = caller.calls("double", list(range(1000)), many=1000)
        await bench.begun()
        assert caller.computing() == Computing(frozenset({call}), 1000)


@on_a_loop
async def test_what_may_not_run_twice_stands_there_after_its_end() -> None:
    """Its answer may be on the way when the worker dies."""
    async with started() as bench:
        caller = bench.joined()
        others = caller.calls("double", 1)
        await bench.answered(caller, others)
        call = caller.calls("charge", 1)
        await bench.answered(caller, call)
        begun = caller.ledger.begun_once()
        assert (others in begun, call in begun, caller.computing()) == (False, True, None)


@on_a_loop
async def test_the_ledger_of_a_caller_who_has_gone_is_not_written_to() -> None:
    async with started() as bench:
        caller = bench.joined()
        call = caller.calls("double", 1)
        await bench.begun()
        before = caller.computing()
        caller.dies()
        other = bench.joined()
        await bench.answered(other, other.calls("double", 2))
        assert caller.computing() == before == Computing(frozenset({call}), 1)


# --- alone ---------------------------------------------------------------------------------------


@on_a_loop
async def test_an_item_that_must_be_alone_computes_alone_and_the_others_together() -> None:
    async with started() as bench:
        caller = bench.joined()
        first = caller.calls("double", 0)
        await bench.begun()
        calls = [caller.calls("double", item, alone=item == 2) for item in (1, 2, 3)]
        await bench.answered(caller, first, *calls)
        assert bench.model.batches == [[0], [1, 3], [2]]
        assert [caller.replies[call] for call in calls] == [2, 4, 6]


@on_a_loop
async def test_many_items_that_must_be_alone_compute_with_one_another_only() -> None:
    async with started() as bench:
        caller = bench.joined()
        first = caller.calls("double", 0)
        await bench.begun()
        calls = [
            caller.calls("double", 1),
            caller.calls("double", [2, 3], many=2, alone=True),
            caller.calls("double", 4, alone=True),
            caller.calls("double", 5),
        ]
        await bench.answered(caller, first, *calls)
        assert bench.model.batches == [[0], [1, 5], [2, 3], [4]]
        assert [caller.replies[call] for call in calls] == [2, [4, 6], 8, 10]


# --- a caller is lost ----------------------------------------------------------------------------


@on_a_loop
async def test_what_a_lost_caller_left_waiting_is_not_computed() -> None:
    async with started() as bench:
        lost, other = bench.joined(), bench.joined()
        lost.calls("double", 0)
        await bench.begun()
        lost.calls("double", 1)
        lost.calls("double", [2, 3], many=2)
        good = other.calls("double", 4)
        assert bench.worker.state().outstanding == 5
        lost.dies()
        assert bench.worker.state().outstanding == 2
        await bench.answered(other, good)
        assert bench.model.batches == [[0], [4]]
        assert lost.got == []


@on_a_loop
async def test_the_streams_of_a_lost_caller_end() -> None:
    async with started() as bench:
        caller = bench.joined()
        caller.calls("count", [[1_000_000], {}])
        await bench.begun()
        caller.dies()
        assert await asyncio.to_thread(bench.model.ended.wait, 10)


@on_a_loop
async def test_a_lost_caller_leaves_nothing_behind() -> None:
    async with started() as bench:
        caller = bench.joined()
        caller.calls("count", [[3], {}])
        caller.calls("double", 1)
        caller.dies()
        assert bench.worker._connections == []
        assert bench.worker._records._open == set()
        assert bench.worker.state().outstanding == 0


@on_a_loop
async def test_who_says_a_call_twice_gets_one_answer_and_keeps_nobody_from_theirs() -> None:
    async with started() as bench:
        caller, other = bench.joined(), bench.joined()
        first = caller.calls("double", 1)
        await bench.begun()
        twice = caller.calls("double", 2)
        caller.calls("double", 2, number=twice)
        theirs = other.calls("double", 3)
        async with asyncio.timeout(5):
            await bench.answered(other, theirs)
        assert [message.id for message in caller.got] == [first, twice]


@on_a_loop
async def test_a_call_without_room_says_so_and_that_nothing_has_begun() -> None:
    async with started(max_queue=1) as bench:
        caller = bench.joined()
        caller.calls("double", 1)
        await bench.begun()
        caller.calls("double", 2)
        refused = caller.calls("double", 3)
        [failure] = [one for one in caller.got if isinstance(one, Failure)]
        assert (failure.id, failure.error.kind, failure.error.refused) == (
            refused, "Overloaded", True,
        )  # fmt: skip


@on_a_loop
async def test_what_a_model_declines_has_begun() -> None:
    async with started() as bench:
        caller = bench.joined()
        came = asyncio.Event()
        caller.on_message = lambda _: came.set()
        caller.calls("declines", [[], {}])
        await asyncio.wait_for(came.wait(), 5)
        [failure] = [one for one in caller.got if isinstance(one, Failure)]
        assert (failure.error.kind, failure.error.refused) == ("Overloaded", False)


# --- it leaves -----------------------------------------------------------------------------------


@on_a_loop
async def test_a_stopping_worker_tells_its_callers_and_gives_back_what_they_still_send() -> None:
    async with started() as bench:
        caller = bench.joined()
        begun = caller.calls("double", 1)
        await bench.begun()
        stopping = asyncio.create_task(bench.worker.stop(5))
        await asyncio.sleep(0)
        assert caller.got == [leaving()]
        late = caller.calls("double", 2)
        assert caller.got == [leaving(), leaving(late)]
        newcomer = bench.joined()
        assert newcomer.got == [leaving()]
        await bench.answered(caller, begun)
        await stopping
        assert caller.closed
        assert bench.model.batches == [[1]]


# --- its state -----------------------------------------------------------------------------------


@on_a_loop
async def test_its_state_says_since_when_it_computes_and_until_when_it_may() -> None:
    async with started() as bench:
        assert bench.worker.state() == WorkerState(None, None, 0)
        caller = bench.joined()
        before = time.monotonic()
        calls = [caller.calls("double", item, deadline=before + 60 + item) for item in (1, 2)]
        await bench.begun()
        calls.append(caller.calls("double", 3))
        state = bench.worker.state()
        assert state.computing_since is not None
        assert before <= state.computing_since <= time.monotonic()
        assert state.until == before + 62.5
        assert state.outstanding == 3
        await bench.answered(caller, *calls)
        assert bench.worker.state() == WorkerState(None, None, 0)


# --- loaded before -------------------------------------------------------------------------------


class Counted:
    """Counts how often it is made; its example fails if it says so."""

    made = 0
    fails = False

    def __init__(self) -> None:
        Counted.made += 1

    @method(batchable=True, example=[1])
    def echo(self, items: list[int]) -> list[int]:
        if Counted.fails:
            raise ValueError("not yet")
        return items


@on_a_loop
async def test_what_was_loaded_before_is_not_loaded_again_but_checked_and_warmed_up() -> None:
    Counted.made = 0
    source = ClassSource(Counted, None)
    worker = Worker("model", source, Options(), Metrics(), runnable=source.load())
    await worker.start()
    assert Counted.made == 1
    await worker.stop(5)
    Counted.fails = True
    worker = Worker("model", source, Options(), Metrics(), runnable=source.load())
    with pytest.raises(ValueError, match="not yet"):
        await worker.start()
    with pytest.raises(ModelError, match="has no method 'echo'"):
        await Worker("model", source, Options(), Metrics(), runnable=object()).start()


@on_a_loop
async def test_threads_are_set_where_it_computes_before_anything_is_computed() -> None:
    said: list[Any] = []

    class Source(ClassSource):
        def use_threads(self, runnable: Any, threads: int) -> None:
            said.append((type(runnable).__name__, threads, threading.current_thread().name))

        def wrong_answer(self, runnable: Any) -> str | None:
            said.append("answers")
            return None

    worker = Worker("model", Source(Model, None), Options(threads=3), Metrics())
    await worker.start()
    assert said == [("Model", 3, "minibento-model"), "answers"]
    await worker.stop(5)


class Threads:
    """Answers with the thread that it computes in."""

    @method(batchable=True, example=[1])
    def where(self, items: list[int]) -> list[int]:
        return [threading.get_ident()] * len(items)


@pytest.mark.parametrize(("own_loop", "any_thread"), [(0, 0), (0, 1), (1, 0), (1, 1)])
@on_a_loop
async def test_short_batches_compute_on_a_loop_of_its_own_if_the_source_minds_no_thread(
    own_loop: int, any_thread: int
) -> None:
    source = ClassSource(Threads, None)
    source.any_thread = bool(any_thread)
    worker = Worker("model", source, Options(), Metrics(), own_loop=bool(own_loop))
    await worker.start()
    caller = FakeCaller()
    worker.serve(caller)
    answered = asyncio.Event()
    caller.on_message = lambda _: answered.set()
    call = caller.calls("where", 1)
    await answered.wait()
    assert (caller.replies[call] == threading.get_ident()) == (own_loop and any_thread)
    await worker.stop(5)


@on_a_loop
async def test_threads_are_set_for_each_thread_that_computes() -> None:
    said: list[str] = []

    class Source(ClassSource):
        any_thread = True

        def use_threads(self, runnable: Any, threads: int) -> None:
            said.append(threading.current_thread().name)

    worker = Worker("model", Source(Model, None), Options(threads=3), Metrics(), own_loop=True)
    await worker.start()
    assert said == ["minibento-model", threading.current_thread().name]
    await worker.stop(5)


@on_a_loop
async def test_a_memory_channel_has_no_ledger_and_needs_none() -> None:
    async with started() as bench:
        here, there = pair()
        bench.worker.serve(there)
        answered: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        here.receive(answered.set_result)
        here.send(Call(1, "charge", encode(1)))
        assert isinstance(await answered, Reply)
        assert bench.worker._records._open == set()
