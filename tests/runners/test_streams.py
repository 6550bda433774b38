"""Methods that stream: in order, with back-pressure, ended when the reader leaves."""

import asyncio
import enum
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any, ClassVar

import numpy as np
import pytest

from minibento.call import Call, current_call
from minibento.errors import DeadlineExceeded, ItemError, ModelError, Overloaded, Unavailable
from minibento.runners.jobs import STREAM_AHEAD
from minibento.runners.method import method
from minibento.runners.runner import Runner


class Home(enum.Enum):
    RENT = "rent"


class Teller:
    """Generators of several tempers."""

    latest: ClassVar["Teller"]

    def __init__(self) -> None:
        Teller.latest = self
        self.made = 0
        self.ended = threading.Event()

    @method
    def count(self, stop: int) -> Iterator[int]:
        try:
            for number in range(stop):
                self.made = number + 1
                yield number
        finally:
            self.ended.set()

    @method
    def fails(self, after: int) -> Iterator[int]:
        yield from range(after)
        raise ValueError("out of words")

    @method
    def bad(self) -> Iterator[Any]:
        yield 1
        raise ItemError("no more", 409)

    @method
    def homes(self) -> Iterator[Home]:
        yield Home.RENT

    @method
    def arrays(self) -> Iterator[Any]:
        buffer = np.zeros(2000)
        for number in range(3):
            buffer[:] = number
            yield buffer
        self.ended.set()

    @method
    def strange(self) -> Iterator[Any]:
        yield 1
        yield {1, 2}

    @method(batchable=True)
    def double(self, items: list[int]) -> list[int]:
        return [item * 2 for item in items]


async def started(**options: Any) -> Runner:
    runner = Runner(Teller, **options)
    await runner.start()
    return runner


async def read(stream: AsyncIterator[Any]) -> list[Any]:
    return [part async for part in stream]


def test_parts_arrive_in_order_on_the_services_loop() -> None:
    async def main() -> None:
        runner = await started()
        assert await read(runner.count(1000)) == list(range(1000))
        assert await read(runner.count(0)) == []
        await runner.stop()

    asyncio.run(main())


def test_parts_arrive_in_order_on_a_foreign_loop_and_without_one() -> None:
    with Runner(Teller) as runner:
        assert asyncio.run(read(runner.count(100))) == list(range(100))
        assert list(runner.count.run(100)) == list(range(100))


def test_parts_are_rebuilt_from_the_hint() -> None:
    with Runner(Teller) as runner:
        assert list(runner.homes.run()) == [Home.RENT]


def test_a_generator_may_yield_the_same_memory_every_time() -> None:
    async def main() -> None:
        runner = await started()
        reading = asyncio.create_task(read(runner.arrays()))
        for _ in range(5):  # the call is sent, its batch begins
            await asyncio.sleep(0)
        # The generator is at its end before this loop sends its first part.
        assert Teller.latest.ended.wait(5)
        assert [part[0] for part in await reading] == [0, 1, 2]
        await runner.stop()

    asyncio.run(main())


@pytest.mark.parametrize("foreign", [False, True])
def test_the_generator_is_never_far_ahead_of_its_reader(foreign: bool) -> None:
    async def main() -> None:
        runner = Runner(Teller)
        await (asyncio.to_thread(runner.engine) if foreign else runner.start())
        taken = 0
        async for number in runner.count(200):
            taken += 1
            await asyncio.sleep(0)
            assert Teller.latest.made <= number + STREAM_AHEAD + 2
        assert taken == 200
        await runner.stop() if not foreign else await asyncio.to_thread(runner.__exit__)

    asyncio.run(main())


def test_a_reader_that_leaves_ends_the_generator() -> None:
    async def main() -> None:
        runner = await started()
        async for number in runner.count(10**9):
            if number == 5:
                break
        assert await asyncio.to_thread(Teller.latest.ended.wait, 5)
        assert await runner.double(2) == 4
        await runner.stop()

    asyncio.run(main())


def test_a_reader_without_a_loop_that_leaves_ends_the_generator() -> None:
    with Runner(Teller) as runner:
        for number in runner.count.run(10**9):
            if number == 5:
                break
        assert Teller.latest.ended.wait(5)
        assert runner.double.run(2) == 4


def test_a_reader_on_a_foreign_loop_that_is_cancelled_ends_the_generator() -> None:
    async def main(runner: Runner) -> None:
        task = asyncio.create_task(read(runner.count(10**9)))
        async with asyncio.timeout(5):
            while Teller.latest.made < 50:  # noqa: ASYNC110 - another thread counts
                await asyncio.sleep(0.001)
        task.cancel()
        await asyncio.wait([task])
        assert await asyncio.to_thread(Teller.latest.ended.wait, 5)

    with Runner(Teller) as runner:
        asyncio.run(main(runner))


@pytest.mark.parametrize(("name", "error"), [("fails", ModelError), ("strange", TypeError)])
def test_an_error_in_mid_stream_arrives_after_the_parts(name: str, error: type[Exception]) -> None:
    with Runner(Teller) as runner:
        stream = getattr(runner, name).run(*([3] if name == "fails" else []))
        parts: list[Any] = []
        with pytest.raises(error):
            parts.extend(part for part in stream)
        assert parts == ([0, 1, 2] if name == "fails" else [1])


def test_an_item_error_in_mid_stream_arrives_as_itself() -> None:
    with Runner(Teller) as runner:
        stream = runner.bad.run()
        assert next(stream) == 1
        with pytest.raises(ItemError, match="no more"):
            next(stream)


def test_a_stalled_reader_holds_the_thread_until_its_deadline_and_no_longer() -> None:
    with Runner(Teller) as runner:
        current_call.set(Call("r1", deadline=time.monotonic() + 0.1))
        stream = runner.count.run(10**9)
        assert next(stream) == 0
        current_call.set(None)
        assert runner.double.run(1) == 2  # waits for the thread, which the deadline frees
        assert Teller.latest.ended.is_set()
        with pytest.raises(DeadlineExceeded):
            list(stream)


def test_a_stream_counts_against_the_bounded_queue() -> None:
    async def main() -> None:
        runner = await started(max_queue=1)
        streams = [runner.count(10**9) for _ in range(3)]
        tasks = [asyncio.ensure_future(anext(stream)) for stream in streams]
        await asyncio.sleep(0)
        await asyncio.wait([tasks[0], tasks[2]], timeout=5)
        assert isinstance(tasks[2].exception() or tasks[1].exception(), Overloaded)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        for stream in streams:
            await stream.aclose()
        assert await runner.double(1) == 2
        await runner.stop()

    asyncio.run(main())


def test_a_stream_under_way_fails_when_the_runner_stops_before_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("minibento.runners.engine.GRACE_SECONDS", 0.05)

    async def main() -> None:
        runner = await started()
        stream = runner.count(10**9)
        assert await anext(stream) == 0
        await runner.stop()
        with pytest.raises(Unavailable, match="has stopped"):
            await read(stream)
        assert await asyncio.to_thread(Teller.latest.ended.wait, 5)

    asyncio.run(main())
