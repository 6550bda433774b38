"""A runner whose workers are processes: they are killed, come back, and nobody fails by it."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from minibento.errors import PoisonousItem, Unavailable, UsageError, WorkerDied
from minibento.metrics import Metrics
from minibento.runners import remote
from minibento.runners.client import Client
from minibento.runners.jobs import STREAM_AHEAD
from minibento.runners.leaving import leaving
from minibento.runners.method import MethodSpec
from minibento.runners.remote import ProcessEngine
from minibento.runners.runner import Runner
from minibento.wire.channel import Channel
from minibento.wire.listening import listening
from minibento.wire.unix import UnixChannel, connect
from minibento.wire.values import decode, encode
from tests.runners.killing import Mortal
from tests.runners.lanes import FakeWorker
from tests.runners.test_client import on_a_loop, turn

LIMIT = 30.0


class Pool:
    """What a supervisor does for the tests: listening sockets for life, workers that come back."""

    def __init__(self, folder: Path, count: int, spec: dict[str, Any]) -> None:
        self._spec = spec
        self._sockets = [listening(folder / f"{number}.sock") for number in range(count)]
        self._processes: list[subprocess.Popen[bytes] | None] = [None] * count
        self.slots = [str(folder / f"{number}.sock") for number in range(count)]
        self.started = 0

    def start(self, slot: int) -> int:
        """A new worker for a slot; its pid."""
        spec = {**self._spec, "fd": self._sockets[slot].fileno()}
        self.started += 1
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.runners.worker_process", json.dumps(spec)],
            pass_fds=[spec["fd"]],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        self._processes[slot] = process
        return process.pid

    @property
    def pids(self) -> list[int]:
        """Of its workers."""
        return [process.pid for process in self._processes if process is not None]

    def whole(self, client: Client, started: int) -> bool:
        """Whether so many have been started, and all that live can be reached."""
        return self.started == started and client.lanes == len(self.slots)

    async def watch(self) -> None:
        """Replace each worker that has died."""
        while True:
            for slot, process in enumerate(self._processes):
                if process is not None and process.poll() is not None:
                    self.start(slot)
            await asyncio.sleep(0.01)

    def close(self) -> None:
        """Leave nothing behind."""
        for process in self._processes:
            if process is not None:
                process.kill()
                process.wait(10)
        for made in self._sockets:
            made.close()


@asynccontextmanager
async def placed(
    folder: Path,
    workers: int = 1,
    connected: Callable[[str], Awaitable[Channel]] = connect,
    **spec: Any,
) -> AsyncIterator[tuple[Runner, Pool, list[str]]]:
    """A started runner of `Mortal`, whose workers are replaced when they die."""
    runner = Runner(Mortal, init={"factor": 3}, max_latency_ms=50)
    pool = Pool(folder, workers, {"source": runner.source.spec(), **spec})
    poisoned: list[str] = []

    def made(runner: Runner, metrics: Metrics) -> ProcessEngine:
        methods, limit = runner.source.methods, runner.options.max_queue
        return ProcessEngine(
            runner.name,
            runner.version,
            pool.slots,
            methods,
            limit,
            metrics,
            poisoned.append,
            connected=connected,
        )

    runner.placed(made)
    watching = None
    try:
        for slot in range(workers):
            pool.start(slot)
        await runner.start()
        watching = asyncio.create_task(pool.watch())
        yield runner, pool, poisoned
        await runner.stop()
    finally:
        if watching is not None:
            watching.cancel()
        pool.close()


async def until(condition: Callable[[], object]) -> None:
    """Wait for what nobody announces."""
    while not condition():  # noqa: ASYNC110 - the loop's own states have no events
        await asyncio.sleep(0.001)


def test_calls_go_to_a_process_and_come_back(tmp_path: Path) -> None:
    async def main() -> None:
        async with placed(tmp_path) as (runner, _, _):
            assert runner.ready
            assert runner.trouble is None
            assert await runner.double(2) == 6
            assert await runner.double.batch([1, "a"]) == [3, "aaa"]
            assert await runner.pid() != os.getpid()
            assert [part async for part in runner.count(3, -1)] == [0, 1, 2]

    asyncio.run(asyncio.wait_for(main(), LIMIT))


def test_a_killed_worker_costs_nobody_an_answer(tmp_path: Path) -> None:
    entered, go = tmp_path / "entered", tmp_path / "go"
    os.mkfifo(entered)
    os.mkfifo(go)

    async def main() -> None:
        async with placed(tmp_path) as (runner, pool, poisoned):
            held = asyncio.create_task(runner.hold(str(tmp_path)))
            waiting = [asyncio.create_task(runner.double(number)) for number in range(20)]
            first = int(await asyncio.to_thread(entered.read_text, "utf-8"))
            os.kill(first, signal.SIGKILL)
            second = int(await asyncio.to_thread(entered.read_text, "utf-8"))
            await asyncio.to_thread(go.write_text, "go", "utf-8")
            assert await held == second != first
            assert await asyncio.gather(*waiting) == [3 * number for number in range(20)]
            assert (pool.started, poisoned) == (2, [])

    asyncio.run(asyncio.wait_for(main(), LIMIT))


def test_a_worker_that_is_told_to_stop_costs_nobody_an_answer(tmp_path: Path) -> None:
    over = asyncio.Event()

    async def ask(runner: Runner) -> int:
        answers = 0
        while not over.is_set():
            assert await runner.double(answers) == 3 * answers
            answers += 1
        return answers

    async def main() -> None:
        async with placed(tmp_path, 2) as (runner, pool, _):
            client = runner.engine().client
            await until(lambda: client.lanes == 2)
            asking = [asyncio.create_task(ask(runner)) for _ in range(8)]
            for number, pid in enumerate(pool.pids, 3):
                os.kill(pid, signal.SIGTERM)
                await until(partial(pool.whole, client, number))
            over.set()
            assert min(await asyncio.gather(*asking)) > 10

    asyncio.run(asyncio.wait_for(main(), LIMIT))


def test_a_poison_costs_two_workers_and_no_innocent(tmp_path: Path) -> None:
    async def main() -> None:
        async with placed(tmp_path, 2) as (runner, pool, poisoned):
            good = [asyncio.create_task(runner.double(number)) for number in range(40)]
            bad = asyncio.create_task(runner.double("die"))
            good += [asyncio.create_task(runner.double(number)) for number in range(40, 80)]
            with pytest.raises(PoisonousItem, match="twice"):
                await bad
            assert await asyncio.gather(*good) == [3 * number for number in range(80)]
            with pytest.raises(PoisonousItem, match="without being tried"):
                await runner.double("die")
            assert await runner.double(5) == 15
            await until(lambda: pool.started == 4)
            assert len(poisoned) == 1

    asyncio.run(asyncio.wait_for(main(), LIMIT))


def test_garbage_on_its_connection_does_not_make_an_item_poisonous(tmp_path: Path) -> None:
    entered, go = tmp_path / "entered", tmp_path / "go"
    os.mkfifo(entered)
    os.mkfifo(go)
    channels: list[UnixChannel] = []

    async def connected(path: str) -> UnixChannel:
        channels.append(await connect(path))
        return channels[-1]

    async def main() -> None:
        async with placed(tmp_path, connected=connected) as (runner, pool, poisoned):
            held = asyncio.create_task(runner.hold(str(tmp_path)))
            try:
                for count in (1, 2, 3):
                    await asyncio.to_thread(entered.read_text, "utf-8")
                    if count < 3:
                        channels[-1]._transport.write(b"garbage" * 10)
                        await until(lambda: len(channels) > count)  # noqa: B023
                    await asyncio.to_thread(go.write_text, "go", "utf-8")
            finally:
                # A call that has failed enters no more, and the thread would wait for ever.
                os.close(os.open(entered, os.O_RDWR))
            assert await held == pool.pids[0]
            assert (pool.started, poisoned) == (1, [])

    asyncio.run(asyncio.wait_for(main(), LIMIT))


def test_what_may_not_run_twice_does_not(tmp_path: Path) -> None:
    async def main() -> None:
        log = tmp_path / "log"
        async with placed(tmp_path) as (runner, _, _):
            with pytest.raises(WorkerDied, match="may or may not have been done"):
                await runner.charge(str(log))
            assert await runner.double(1) == 3
        assert log.read_text("utf-8") == "charged\n"

    asyncio.run(asyncio.wait_for(main(), LIMIT))


def test_what_may_not_run_twice_does_not_if_its_answer_was_on_the_way(tmp_path: Path) -> None:
    """An answer larger than a socket holds dies with its worker, though it was computed."""

    async def main() -> None:
        log, channels = tmp_path / "log", list[Channel]()

        async def connected(path: str) -> Channel:
            channels.append(await connect(path))
            return channels[-1]

        async with placed(tmp_path, connected=connected) as (runner, pool, _):
            call = asyncio.create_task(runner.receipt(str(log), 30_000_000))
            await until(log.exists)
            # This loop stands still, so no more of the answer comes than a socket holds.
            _stand_still_until_ended(channels[0])
            os.kill(pool.pids[0], signal.SIGKILL)
            with pytest.raises(WorkerDied, match="may or may not have been done"):
                await call
            assert await runner.double(1) == 3
        assert log.read_text("utf-8") == "charged\n"

    asyncio.run(asyncio.wait_for(main(), LIMIT))


def _stand_still_until_ended(channel: Channel) -> None:
    assert channel.ledger is not None
    until = time.monotonic() + LIMIT
    while channel.ledger.computing() is not None:
        assert time.monotonic() < until
        time.sleep(0.001)


def test_a_stream_that_breaks_off_says_so(tmp_path: Path) -> None:
    dies_at = STREAM_AHEAD + 4
    got = []

    async def read(runner: Runner) -> None:
        async for part in runner.count(100, dies_at):
            got.append(part)  # noqa: PERF401 - what came before the error

    async def main() -> None:
        async with placed(tmp_path) as (runner, _, _):
            with pytest.raises(WorkerDied, match="in the middle of the stream"):
                await read(runner)

    asyncio.run(asyncio.wait_for(main(), LIMIT))
    assert got == list(range(len(got)))
    assert 4 <= len(got) <= dies_at


def test_without_a_worker_it_is_not_ready_and_calls_wait_for_the_next(tmp_path: Path) -> None:
    async def main() -> None:
        async with placed(tmp_path) as (runner, _, _):
            os.kill(await runner.pid(), signal.SIGKILL)
            await until(lambda: not runner.ready)
            assert runner.trouble == "its worker process is down"
            assert await runner.double(7) == 21
            assert runner.ready
            assert runner.trouble is None

    asyncio.run(asyncio.wait_for(main(), LIMIT))


def test_a_model_loaded_before_the_fork_is_served_after_it(tmp_path: Path) -> None:
    async def main() -> None:
        async with placed(tmp_path, fork=True, options={"threads": 2}) as (runner, _, _):
            assert await runner.double(2) == 6

    asyncio.run(asyncio.wait_for(main(), LIMIT))


# --- with workers by hand ------------------------------------------------------------------------

Connect = Callable[[str], Awaitable[Channel]]


def engine(connected: Connect, slots: Sequence[str] = ("/a",), **options: Any) -> ProcessEngine:
    methods = {"predict": MethodSpec("predict", batchable=True)}
    return ProcessEngine(
        "model", "m:1", slots, methods, 100, Metrics(), connected=connected, **options
    )


@on_a_loop
async def test_a_start_returns_with_the_first_worker_and_the_others_join_later() -> None:
    late = asyncio.Event()
    workers = {"/a": FakeWorker(), "/b": FakeWorker()}

    async def connected(path: str) -> Channel:
        if path == "/b":
            await late.wait()
        return workers[path]

    made = engine(connected, ["/a", "/b"])
    assert (made.ready, made.trouble) == (False, "none of its 2 worker processes is up")
    await made.start()
    assert (made.ready, made.trouble, made.client.lanes) == (True, None, 1)
    late.set()
    await turn()
    assert made.client.lanes == 2
    await made.stop()
    assert workers["/a"].closed
    assert workers["/b"].closed


@on_a_loop
async def test_a_path_that_nobody_serves_is_tried_until_somebody_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(remote, "FIRST_PAUSE", 0.0)
    worker, refusals = FakeWorker(), [ConnectionRefusedError(), MemoryError(), FileNotFoundError()]

    async def connected(_: str) -> Channel:
        if refusals:
            raise refusals.pop()
        return worker

    made = engine(connected)
    await made.start()
    assert made.ready
    assert not refusals
    await made.stop()


@on_a_loop
async def test_a_lost_worker_is_connected_to_again_and_gets_what_it_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(remote, "FIRST_PAUSE", 0.0)
    workers = [FakeWorker(), FakeWorker()]
    left = iter(workers)

    async def connected(_: str) -> Channel:
        return next(left)

    made = engine(connected)
    await made.start()
    call = asyncio.create_task(made.client.call("predict", encode("a")))
    await turn()
    workers[0].dies()
    assert not made.ready
    await until(lambda: made.ready)
    workers[1].answers("a")
    assert decode(*(await call).payload) == ["done", "a"]
    await made.stop()


@on_a_loop
async def test_it_stays_ready_while_a_worker_leaves_for_its_successor_but_not_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worker, nobody = FakeWorker(), asyncio.Event()
    there = iter([worker])

    async def connected(_: str) -> Channel:
        for one in there:
            return one
        await nobody.wait()
        raise AssertionError

    made = engine(connected)
    await made.start()
    worker.says(leaving())
    worker.dies()
    await turn()
    assert (made.ready, made.client.lanes) == (True, 0)
    monkeypatch.setattr(remote, "SUCCESSION_SECONDS", 0.0)
    assert not made.ready
    await made.stop()


@on_a_loop
async def test_a_start_without_any_worker_goes_on_and_joins_the_first_that_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(remote, "START_SECONDS", 0.02)
    worker, there = FakeWorker(), asyncio.Event()

    async def connected(_: str) -> Channel:
        await there.wait()
        return worker

    made = engine(connected)
    await made.start()
    assert made.trouble == "its worker process is down"
    there.set()
    await until(lambda: made.ready)
    await made.stop()


@on_a_loop
async def test_a_stop_waits_for_what_is_under_way_but_not_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worker = FakeWorker()

    async def connected(_: str) -> Channel:
        return worker

    made = engine(connected)
    await made.start()
    call = asyncio.create_task(made.client.call("predict", encode("a")))
    await turn()
    stopping = asyncio.create_task(made.stop())
    await turn()
    with pytest.raises(Unavailable, match="is stopping"):
        await made.client.call("predict", encode("b"))
    worker.answers("a")
    await stopping
    assert decode(*(await call).payload) == ["done", "a"]

    monkeypatch.setattr(remote, "GRACE_SECONDS", 0.01)
    made = engine(connected)
    await made.start()
    call = asyncio.create_task(made.client.call("predict", encode("c")))
    await turn()
    await made.stop()
    with pytest.raises(Unavailable, match="has stopped"):
        await call


@on_a_loop
async def test_poison_is_counted_told_and_refused_when_told() -> None:
    found: list[str] = []
    workers = [FakeWorker() for _ in range(3)]
    left = iter(workers)

    async def connected(_: str) -> Channel:
        return next(left)

    metrics = Metrics()
    methods = {"predict": MethodSpec("predict", batchable=True)}
    made = ProcessEngine(
        "model", "m:1", ["/a"], methods, 100, metrics, found.append, connected=connected
    )
    await made.start()
    call = asyncio.create_task(made.client.call("predict", encode("bad")))
    for worker in workers[:2]:
        await until(partial(getattr, worker, "calls"))
        worker.computes("bad")
        worker.dies()
    with pytest.raises(PoisonousItem):
        await call
    numbers = {family.name: family.value("model", "m:1").number for family in metrics}
    assert numbers == {"minibento_resent_calls_total": 1, "minibento_poisonous_items_total": 1}
    other = engine(connected)
    other.refuse(found[0])
    with pytest.raises(PoisonousItem):
        await other.client.call("predict", encode("bad"))
    await made.stop()


def test_a_started_runner_cannot_be_placed_elsewhere() -> None:
    with Runner(Mortal) as runner, pytest.raises(UsageError, match="started already"):
        runner.placed(lambda *_: engine(connect))
