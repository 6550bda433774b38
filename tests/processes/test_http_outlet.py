"""What an answer writes leaves in as few writes as it can."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

from minibento.processes.http_outlet import Outlet
from tests.processes.doors import on_loop


class Sink:
    """As much of a transport as an answer needs."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.writes.append(data)

    def is_closing(self) -> bool:
        return False


def outlet() -> tuple[Any, list[bytes]]:
    """What answers write to, and the writes that reach the system."""
    connection, sink = SimpleNamespace(loop=asyncio.get_running_loop()), Sink()
    return Outlet(cast("Any", connection), cast("Any", sink)), sink.writes


def test_head_and_body_leave_in_one_write() -> None:
    async def test() -> None:
        way, writes = outlet()
        way.write(b"head ")
        way.write(b"body")
        await asyncio.sleep(0)
        assert writes == [b"head body"]

    on_loop(test)


def test_a_head_whose_body_is_not_there_yet_leaves_in_the_same_turn_of_the_loop() -> None:
    async def test() -> None:
        way, writes = outlet()
        way.write(b"head")
        await asyncio.sleep(0)
        assert writes == [b"head"]
        way.write(b"part")
        way.flush()
        assert writes == [b"head", b"part"]

    on_loop(test)


def test_a_large_body_is_not_copied_to_leave_with_its_head() -> None:
    async def test() -> None:
        way, writes = outlet()
        large = bytes(2**20)
        way.write(b"head")
        way.write(large)
        assert writes == [b"head", large]
        assert writes[1] is large

    on_loop(test)
