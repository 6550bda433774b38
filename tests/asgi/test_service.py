import asyncio
import types
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Mount
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from minibento.asgi.service import Service, service
from minibento.errors import DeclarationError, UsageError
from minibento.metrics import Metrics
from minibento.services.api import api
from minibento.services.hooks import on_shutdown, on_startup
from tests.asgi.services import Kitchen


class FakeRunner:
    name = "model"
    version = "m:1"

    def __init__(self, events: list[str]) -> None:
        self.events = events
        self.ready = False

    async def start(self, metrics: Metrics | None = None) -> None:
        assert metrics is not None
        self.ready = True
        self.events.append("runner starts")

    async def stop(self) -> None:
        self.ready = False
        self.events.append("runner stops")


def recorded(events: list[str], *, fails: bool = False) -> Service[Any]:
    class Recorded:
        model = FakeRunner(events)

        def __init__(self) -> None:
            events.append("init")

        @on_startup
        async def first(self) -> None:
            events.append("first")

        @on_startup
        def second(self) -> None:
            events.append("second")
            if fails:
                raise ValueError("no database")

        @on_shutdown
        def close(self) -> None:
            events.append("close")
            raise ValueError("the others are stopped all the same")

        @on_shutdown
        async def close_later(self) -> None:
            events.append("close later")

        @api
        async def ping(self) -> str:
            return "pong"

    return service(Recorded)


def test_starting_and_stopping_run_in_order_and_in_reverse() -> None:
    events: list[str] = []
    with TestClient(recorded(events)) as http:
        assert http.post("/ping").json() == "pong"
        assert events == ["runner starts", "init", "first", "second"]
        events.clear()
    assert events == ["close later", "close", "runner stops"]


def test_a_start_that_fails_is_undone_and_reported() -> None:
    events: list[str] = []
    with pytest.raises(ValueError, match="no database"), TestClient(recorded(events, fails=True)):
        pass
    assert events[-1] == "runner stops"


def test_without_a_lifespan_it_starts_once_at_the_first_request() -> None:
    events: list[str] = []
    app = recorded(events)

    async def main() -> None:
        statuses = await asyncio.gather(*(status_of(app, "/ping") for _ in range(20)))
        assert statuses == [200] * 20
        await app.stop()

    asyncio.run(main())
    assert events.count("init") == 1


def test_a_client_that_leaves_does_not_take_the_start_along() -> None:
    events: list[str] = []

    class Slow(FakeRunner):
        async def start(self, metrics: Metrics | None = None) -> None:
            began.set()
            await proceed.wait()
            await super().start(metrics)

    app = recorded(events).replace(model=Slow(events))

    async def main() -> None:
        first = asyncio.ensure_future(status_of(app, "/ping"))
        second = asyncio.ensure_future(status_of(app, "/ping"))
        await began.wait()
        first.cancel()
        proceed.set()
        assert await second == 200

    began, proceed = asyncio.Event(), asyncio.Event()
    asyncio.run(main())
    assert events.count("init") == 1


def test_a_first_request_whose_start_fails_is_followed_by_another_try() -> None:
    events: list[str] = []
    app = recorded(events, fails=True)

    async def main() -> None:
        for _ in range(2):
            with pytest.raises(ValueError, match="no database"):
                await status_of(app, "/ping")

    asyncio.run(main())
    assert events.count("init") == 2


def test_a_second_loop_after_the_first_is_closed_starts_it_again() -> None:
    app = recorded([])
    for _ in range(2):
        assert asyncio.run(status_of(app, "/ping")) == 200


def test_a_second_loop_beside_the_first_is_refused() -> None:
    app = recorded([])
    first = asyncio.new_event_loop()
    try:
        assert first.run_until_complete(status_of(app, "/ping")) == 200
        with pytest.raises(UsageError, match="another event loop"):
            asyncio.run(status_of(app, "/ping"))
    finally:
        first.run_until_complete(app.stop())
        first.close()


def test_called_like_a_class_it_says_what_to_do_instead() -> None:
    with pytest.raises(TypeError, match=r"\.instance\(\).*\.cls"):
        Kitchen()  # type: ignore[call-arg, unused-coroutine]  # what is tested


def test_the_class_is_there_as_written() -> None:
    assert Kitchen.cls.__name__ == "Cooking"
    assert isinstance(Kitchen.instance(), Kitchen.cls)
    assert Kitchen.instance().nothing() == "done"


def test_a_service_is_no_base_class_and_says_what_is() -> None:
    with pytest.raises(DeclarationError, match=r"derive from Kitchen\.cls"):
        type("Derived", types.resolve_bases((Kitchen,)), {})


def test_attributes_are_replaced_before_init_and_only_known_ones() -> None:
    class Fake:
        number = 7

    class WithModel:
        model: Any = None

        def __init__(self) -> None:
            self.seen = self.model.number

        @api
        def number(self) -> int:
            return int(self.seen)

    S = service(WithModel)
    with TestClient(S.replace(model=Fake())) as http:
        assert http.post("/number").json() == 7
    assert S.cls.model is None
    with pytest.raises(UsageError, match="'modle'"):
        S.replace(modle=Fake())


def test_it_mounts_in_fastapi() -> None:
    app = FastAPI()
    app.mount("/risk", Kitchen.replace())
    with TestClient(app) as http:
        assert http.post("/risk/add", json={"a": 1}).json() == 11
        assert http.get("/risk/readyz").json() == {"status": "ok"}
        assert http.get("/risk/openapi.json").json()["servers"] == [{"url": "/risk"}]
        assert http.get("/risk/").url.path == "/risk/docs"
        assert "did you mean /add" in http.post("/risk/ad").json()["detail"]


def test_two_services_live_in_one_app() -> None:
    app = Starlette(routes=[Mount("/a", Kitchen.replace()), Mount("/b", recorded([]))])
    with TestClient(app) as http:
        assert http.post("/a/nothing").json() == "done"
        assert http.post("/b/ping").json() == "pong"
        assert http.post("/a/ping").status_code == 404


class Stamp(BaseHTTPMiddleware):
    async def dispatch(self, request: Any, call_next: Any) -> Any:
        response = await call_next(request)
        response.headers["x-stamp"] = "yes"
        return response


def outermost(app: ASGIApp, tag: str) -> ASGIApp:
    async def tagged(scope: Scope, receive: Receive, send: Send) -> None:
        scope["tag"] = tag
        await app(scope, receive, send)

    return tagged


def test_middleware_wraps_everything_and_mounts_are_served() -> None:
    async def site(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse(f"site {scope['tag']}")(scope, receive, send)

    class Site:
        @api
        async def ping(self) -> str:
            return "pong"

    layers = [Middleware(outermost, tag="t"), Middleware(Stamp)]
    with TestClient(service(middleware=layers, mounts={"/apply": site})(Site)) as http:
        for path in ["/apply", "/apply/page", "/livez", "/docs", "/nowhere"]:
            assert http.get(path).headers["x-stamp"] == "yes", path
        assert http.get("/apply/page").text == "site t"
        assert http.post("/ping").headers["x-stamp"] == "yes"


async def status_of(app: ASGIApp, path: str) -> int:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await app({"type": "http", "method": "POST", "path": path, "headers": []}, receive, send)
    return int(sent[0]["status"])
