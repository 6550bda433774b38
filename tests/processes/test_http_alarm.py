import asyncio
import socket
import time

import pytest

from minibento.processes.http_alarm import Alarm
from tests.processes.doors import on_loop


def heard(stands_still_again: float = 0.0) -> list[str]:
    """What happened, in order, when bytes came while the loop stood still past an alarm."""
    events: list[str] = []

    async def listen() -> None:
        loop = asyncio.get_running_loop()
        (ours, theirs), (bell, rope) = socket.socketpair(), socket.socketpair()
        woken = asyncio.Event()

        def stand_still() -> None:
            """In the loop's turn for what can be read: its timers come next."""
            loop.remove_reader(bell)
            time.sleep(0.3)
            theirs.send(b"x")

        def take() -> None:
            ours.recv(100)
            events.append("read")
            time.sleep(stands_still_again)

        def wake(_: float) -> None:
            events.append("woken")
            woken.set()

        with ours, theirs, bell, rope:
            loop.add_reader(ours, take)
            loop.add_reader(bell, stand_still)
            Alarm(loop, wake).at(loop.time() + 0.05)
            rope.send(b"x")
            await woken.wait()
            loop.remove_reader(ours)

    on_loop(listen)
    return events


def test_what_came_while_the_loop_stood_still_is_read_before_anybody_is_woken() -> None:
    assert heard() == ["read", "woken"]


def test_it_goes_off_though_the_loop_stands_still_again() -> None:
    assert heard(0.3) == ["read", "woken"]


@pytest.mark.parametrize("times", [1, 3])
def test_it_goes_off_once_each_time_that_it_was_set(times: int) -> None:
    async def count() -> None:
        loop = asyncio.get_running_loop()
        wakes: asyncio.Queue[float] = asyncio.Queue()
        alarm = Alarm(loop, wakes.put_nowait)
        for _ in range(times):
            alarm.at(loop.time() + 0.01)
            await wakes.get()
        await asyncio.sleep(0.03)
        assert wakes.empty()

    on_loop(count)
