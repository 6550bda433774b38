"""What a server holds for good is not walked by the garbage collector again and again."""

import asyncio
import gc
from collections.abc import Iterator
from typing import Any

import pytest

import minibento
from minibento.asgi.collector import keep_what_is_loaded


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    before = gc.get_threshold()
    gc.unfreeze()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


class Idle:
    @minibento.api
    async def ask(self) -> int:
        return 1


IDLE = minibento.service(name="Idle")(Idle)


def test_a_server_that_starts_the_service_keeps_what_is_loaded() -> None:
    frozen: list[int] = []

    async def main() -> None:
        told = iter(["lifespan.startup", "lifespan.shutdown"])

        async def receive() -> Any:
            return {"type": next(told)}

        async def send(message: Any) -> None:
            if message["type"] == "lifespan.startup.complete":
                frozen.append(gc.get_freeze_count())

        await IDLE({"type": "lifespan"}, receive, send)

    asyncio.run(main())
    assert frozen[0] > 10_000


def test_a_service_that_is_only_started_leaves_the_collector_alone() -> None:
    async def main() -> None:
        await IDLE.start()
        await IDLE.stop()

    asyncio.run(main())
    assert gc.get_freeze_count() == 0


def test_under_load_cycles_are_looked_for_more_rarely() -> None:
    gc.set_threshold(700, 10, 10)
    keep_what_is_loaded()
    assert gc.get_threshold()[0] > 700


@pytest.mark.parametrize("own", [(900, 5, 5), (0, 10, 10)])
def test_how_often_is_left_to_a_service_that_has_said_it(own: tuple[int, int, int]) -> None:
    gc.set_threshold(*own)
    keep_what_is_loaded()
    assert gc.get_threshold() == own
