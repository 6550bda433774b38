"""A slot keeps one worker alive, also while another one is on its way out."""

import asyncio
import socket
from types import SimpleNamespace
from typing import Any, cast

from minibento.processes.lifespan import Over
from minibento.processes.supervisor.slot import Farewell, Slot
from minibento.processes.supervisor.worker_process import WorkerProcess

OVER = Over("requests", "it has answered 10 of 10 requests")


class Process:
    """A worker by hand."""

    title = "api-worker-0"
    vitals = SimpleNamespace(batches=1, since=None)

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.heard: list[dict[str, Any]] = []
        self.killed: str | None = None

    def say(self, document: dict[str, Any]) -> None:
        self.heard.append(document)

    def kill(self, reason: str) -> None:
        if not self.ended.done():
            self.killed = reason
            self.ended.set_result("killed by SIGKILL")


class Nursery:
    """Its workers are ready at once."""

    def __init__(self) -> None:
        self.made: list[Process] = []
        self.more = asyncio.Event()

    async def worker(self, *_: object) -> WorkerProcess:
        self.made.append(Process(len(self.made)))
        self.more.set()
        return cast("WorkerProcess", self.made[-1])


class Bench:
    """A slot whose worker has been followed by another one and has not left."""

    def __init__(self, farewell: float = 60.0) -> None:
        self.nursery = Nursery()
        self.listening = socket.socket()
        self.slot = Slot(
            0,
            {"title": "api-worker-0"},
            cast("Any", self.nursery),
            self.listening,
            lambda *_: None,
            ended=lambda _: None,
            always_answers=True,
            farewell=Farewell({"retire": 5.0}, farewell),
        )

    async def __aenter__(self) -> "Bench":
        await self.slot.start()
        await self.turn()
        self.slot.recycle(OVER)
        await self.there(2)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.slot.release()
        self.listening.close()
        for process in self.nursery.made:
            process.kill("the test is over")

    async def turn(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    async def there(self, workers: int) -> None:
        """So many have been started."""
        async with asyncio.timeout(5):
            while len(self.nursery.made) < workers:
                self.nursery.more.clear()
                await self.nursery.more.wait()
        await self.turn()


def test_a_fresh_worker_that_dies_is_replaced_though_the_old_one_has_not_left() -> None:
    async def body() -> None:
        async with Bench() as bench:
            old, fresh = bench.nursery.made
            fresh.ended.set_result("killed by SIGSEGV")
            await bench.there(3)
            assert bench.slot.process is cast("Any", bench.nursery.made[2])
            assert (bench.slot.restarts, old.killed) == (1, None)

    asyncio.run(body())


def test_it_is_recycling_until_the_old_one_has_left() -> None:
    async def body() -> None:
        async with Bench() as bench:
            old, fresh = bench.nursery.made
            assert old.heard == [{"retire": 5.0}]
            seen = [bench.slot.recycling]
            bench.slot.recycle(OVER)
            old.ended.set_result("exit code 0")
            await bench.turn()
            assert [*seen, bench.slot.recycling] == [True, False]
            assert (bench.slot.process, fresh.heard) == (cast("Any", fresh), [])

    asyncio.run(body())


def test_an_old_one_that_does_not_leave_in_time_is_killed() -> None:
    async def body() -> None:
        async with Bench(farewell=0.01) as bench:
            old, fresh = bench.nursery.made
            async with asyncio.timeout(5):
                await old.ended
            assert old.killed == "it did not leave within 0 s"
            assert fresh.killed is None

    asyncio.run(body())


def test_a_slot_that_is_started_once_more_has_one_worker() -> None:
    """As where the start of another slot of its group has failed, and its own worker has died."""

    async def body() -> None:
        async with Bench() as bench:
            old, fresh = bench.nursery.made
            old.ended.set_result("exit code 0")
            fresh.ended.set_result("killed by SIGSEGV")
            await bench.slot.start()
            await bench.turn()
            there = [one for one in bench.nursery.made if not one.ended.done()]
            assert there == [cast("Any", bench.slot.process)]

    asyncio.run(body())
