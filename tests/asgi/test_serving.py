"""What the one who runs a service decides about it."""

import asyncio

import pytest
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from minibento import errors
from minibento.asgi.service import service
from minibento.asgi.serving import Serving
from minibento.call import current_call
from minibento.services.api import api


class Broken:
    """Middleware that fails if asked to."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and Request(scope).headers.get("x-break"):
            raise ZeroDivisionError("in the middleware")
        await self.app(scope, receive, send)


async def broken_page(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise ZeroDivisionError("in the page")


class Desk:
    @api
    async def waits(self) -> None:
        await asyncio.Event().wait()

    @api(timeout=30)
    async def left(self) -> float:
        call = current_call.get()
        assert call is not None
        assert call.deadline is not None
        return call.deadline - asyncio.get_running_loop().time()

    @api
    async def shout(self, text: str) -> str:
        return text.upper()

    @api
    async def fails(self) -> None:
        raise ValueError("a bad day\nfor all")

    @api
    async def fails_in_the_model(self) -> None:
        trace = (
            'Traceback (most recent call last):\n  File "/m/model.py", line 7, in predict\n    x'
        )
        raise errors.ModelError("predict failed", f"{trace}\nKeyError: 'age'\n")

    @api
    async def refuses(self) -> None:
        raise HTTPException(409, "decided before")

    @api
    async def asks_a_runner(self, version: str) -> int:
        note(version)
        return 1

    @api
    async def answers_itself(self) -> Response:
        note("credit:abc")
        return PlainTextResponse("own")

    @api
    async def asks_and_fails(self) -> None:
        note("credit:abc")
        raise errors.ItemError("bad")


def note(version: str) -> None:
    call = current_call.get()
    assert call is not None
    call.model_version, call.batch_size = version, 8
    call.queue_seconds, call.compute_seconds = 0.0012344, 0.5


def served(serving: Serving) -> TestClient:
    made = service(timeout=20, middleware=[Middleware(Broken)], mounts={"/page": broken_page})(Desk)
    made.serving = serving
    return TestClient(made, raise_server_exceptions=False)


def test_the_operators_timeout_counts_where_a_method_has_none_of_its_own() -> None:
    with served(Serving(timeout=0.05)) as http:
        assert http.post("/waits").status_code == 504
        assert 29 < http.post("/left").json() <= 30


def test_a_callers_timeout_shortens_the_operators() -> None:
    with served(Serving(timeout=20)) as http:
        assert http.post("/waits", headers={"minibento-timeout": "0.05"}).status_code == 504


def test_without_the_operators_timeout_the_services_counts() -> None:
    method = service(timeout=7)(Desk).declaration.methods[0]
    assert Serving().timeout_of(method) == 7
    assert Serving(timeout=3).timeout_of(method) == 3


def test_the_operators_limit_of_bodies_counts() -> None:
    with served(Serving(max_body=10)) as http:
        assert http.post("/shout", json="12345678").status_code == 200
        answer = http.post("/shout", json="123456789")
        assert (answer.status_code, answer.headers["connection"]) == (413, "close")
        assert "larger than 10 bytes" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/asks_a_runner", "/answers_itself", "/asks_and_fails"])
def test_timings_tell_of_queue_compute_batch_and_model(path: str) -> None:
    body = {"json": "credit:abc"} if path == "/asks_a_runner" else {}
    with served(Serving(timings=True)) as http:
        headers = http.post(path, **body).headers  # type: ignore[arg-type]  # options of one call
    assert headers["server-timing"] == 'queue;dur=1.234, compute;dur=500.000, batch;desc="8"'
    assert headers["minibento-model"] == "credit:abc"


def test_a_runner_without_a_model_names_none() -> None:
    with served(Serving(timings=True)) as http:
        headers = http.post("/asks_a_runner", json="").headers
        assert "server-timing" in headers
        assert "minibento-model" not in headers


def test_where_no_runner_was_asked_there_are_no_timings() -> None:
    with served(Serving(timings=True)) as http:
        answer = http.post("/shout", json="a")
        assert answer.json() == "A"
        assert "server-timing" not in answer.headers


def test_timings_are_off_unless_asked_for() -> None:
    with served(Serving()) as http:
        assert "server-timing" not in http.post("/asks_a_runner", json="credit:abc").headers


@pytest.mark.parametrize(
    ("path", "headers", "says"),
    [
        ("/fails", {}, "ValueError: a bad day (tests/asgi/test_serving.py, line "),
        ("/fails_in_the_model", {}, "KeyError: 'age' (/m/model.py, line 7, in predict)"),
        ("/page/x", {}, "ZeroDivisionError: in the page (tests/asgi/test_serving.py, line "),
        ("/shout", {"x-break": "1"}, "ZeroDivisionError: in the middleware (tests/asgi/test_"),
    ],
)
def test_a_developer_sees_what_failed_and_where(
    path: str, headers: dict[str, str], says: str
) -> None:
    with served(Serving(show_errors=True)) as http:
        answer = http.post(path, headers=headers)
        assert answer.status_code == 500
        assert answer.json()["detail"].startswith(says)
    with served(Serving()) as http:
        answer = http.post(path, headers=headers)
        assert answer.json()["detail"].startswith("the service failed to answer")


def test_what_is_answered_on_purpose_is_the_same_to_a_developer() -> None:
    with served(Serving(show_errors=True)) as http:
        assert http.post("/refuses").json()["detail"] == "decided before"


def test_a_replacement_is_served_in_the_same_way() -> None:
    made = service(Desk)
    made.serving = Serving(max_body=10)
    assert made.replace().serving is made.serving


@pytest.mark.parametrize("probe", ["/livez", "/scoring/livez"])
def test_behind_a_proxy_probes_are_not_logged_either(
    probe: str, caplog: pytest.LogCaptureFixture
) -> None:
    made = service(Desk)
    made.serving = Serving(access_log=True)
    with (
        caplog.at_level("INFO", "minibento.access"),
        TestClient(made, root_path="/scoring") as http,
    ):
        assert http.get(probe).status_code == 200
    assert caplog.records == []
