"""What a server holds for good is not walked by the garbage collector again and again."""

import asyncio
import gc
from collections.abc import Iterator
from typing import Any

import pytest

import minibento


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    gc.unfreeze()
    yield
    gc.unfreeze()


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
