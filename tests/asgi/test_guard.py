from collections.abc import Iterator

import pytest
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from minibento.asgi.service import service
from minibento.services.api import api


class Porter:
    """Middleware that asks who is there."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = dict(scope.get("headers", ())).get(b"x-name")
        if name == b"nobody":
            raise HTTPException(401, "say who you are", headers={"www-authenticate": "Bearer"})
        if name == b"bug":
            raise ZeroDivisionError("/secret/path")
        if name == b"late":
            await PlainTextResponse("half")(scope, receive, send)
            raise ZeroDivisionError
        await self.app(scope, receive, send)


class Door:
    @api
    async def knock(self) -> str:
        return "come in"


@pytest.fixture
def http() -> Iterator[TestClient]:
    app = service(middleware=[Middleware(Porter)])(Door)
    with TestClient(app, raise_server_exceptions=True) as client:
        yield client


def test_what_middleware_lets_pass_is_answered(http: TestClient) -> None:
    assert http.post("/knock").json() == "come in"


def test_an_http_exception_of_middleware_is_a_problem(http: TestClient) -> None:
    answer = http.post("/knock", headers={"x-name": "nobody", "x-request-id": "r1"})
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-request-id"] == answer.json()["request_id"] == "r1"
    assert answer.json()["detail"] == "say who you are"


def test_a_bug_of_middleware_is_a_500_without_its_text(http: TestClient) -> None:
    answer = http.post("/knock", headers={"x-name": "bug"})
    assert answer.status_code == 500
    assert answer.json()["request_id"]
    assert "secret" not in answer.text


def test_an_error_after_the_answer_has_begun_is_the_servers(http: TestClient) -> None:
    with pytest.raises(ZeroDivisionError):
        http.post("/knock", headers={"x-name": "late"})
