"""A service with a runner whose batches can be looked at."""

import pytest

from minibento.asgi.service import Service, service
from minibento.runners.method import method
from minibento.runners.runner import Runner
from minibento.services.api import api
from minibento.services.hooks import on_shutdown, on_startup


class Words:
    """Counts words."""

    @method(batchable=True)
    def count(self, texts: list[str]) -> list[int]:
        return [len(text.split()) for text in texts]

    @method
    def shout(self, text: str) -> str:
        return text.upper()


@pytest.fixture
def events() -> list[str]:
    """What happened, in order."""
    return []


@pytest.fixture
def counter(events: list[str]) -> Service[object]:
    class Counter:
        model = Runner(Words, max_latency_ms=200)
        greeting = "hello"

        @on_startup
        def up(self) -> None:
            events.append("up")

        @on_shutdown
        def down(self) -> None:
            events.append("down")

        @api
        async def count(self, text: str) -> int:
            answer: int = await self.model.count(text)
            return answer

        @api
        async def shout(self, text: str) -> str:
            answer: str = await self.model.shout(text)
            return answer

        @api
        async def greet(self) -> str:
            return self.greeting

        @api
        async def fail(self) -> str:
            raise ZeroDivisionError

    return service(Counter)
