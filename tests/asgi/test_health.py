import asyncio
import threading
from typing import Any

import pytest
from starlette.testclient import TestClient

from minibento.asgi import health
from minibento.asgi.service import service
from minibento.services.api import api
from minibento.services.hooks import ready
from tests.asgi.test_service import FakeRunner


def with_check(check: Any) -> Any:
    @service
    class S:
        model = FakeRunner([])
        fine = ready(check)

        @api
        def ping(self) -> str:
            return "pong"

    return S


async def hangs(_: object) -> bool:
    await asyncio.Event().wait()
    return True


def raises(_: object) -> bool:
    raise ValueError("/secret")


def leaves(_: object) -> bool:
    raise SystemExit("/secret")


async def leaves_later(_: object) -> bool:
    raise KeyboardInterrupt("/secret")


async def cancels_itself(_: object) -> bool:
    raise asyncio.CancelledError("/secret")


async def true_later(_: object) -> bool:
    return True


@pytest.mark.parametrize(
    ("check", "status"),
    [
        (lambda _: True, 200),
        (true_later, 200),
        (lambda _: False, 503),
        (lambda _: "yes", 503),
        (lambda _: 1, 503),
        (lambda _: None, 503),
        (raises, 503),
        (leaves, 503),
        (leaves_later, 503),
        (cancels_itself, 503),
        (hangs, 503),
    ],
)
@pytest.mark.parametrize("path", ["/readyz", "/healthz"])
def test_ready_means_that_the_users_check_is_true(
    monkeypatch: pytest.MonkeyPatch, check: Any, status: int, path: str
) -> None:
    monkeypatch.setattr(health, "_CHECK_SECONDS", 0.05)
    with TestClient(with_check(check)) as http:
        for _ in range(3):
            response = http.get(path)
            assert response.status_code == status
            assert "secret" not in response.text
            assert http.get("/livez").status_code == 200


def test_a_check_that_hangs_in_its_thread_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_CHECK_SECONDS", 0.05)
    release = threading.Event()
    asked: list[int] = []

    def check(_: object) -> bool:
        asked.append(1)
        return release.wait(10)

    with TestClient(with_check(check)) as http:
        for _ in range(5):
            assert http.get("/readyz").status_code == 503
        assert len(asked) == 1
        release.set()


def test_a_runner_that_is_not_ready_makes_the_service_unready() -> None:
    app = with_check(lambda _: True)
    with TestClient(app) as http:
        assert http.get("/healthz").json()["runners"] == {
            "model": {"ready": True, "version": "m:1"}
        }
        app.cls.model.ready = False
        assert http.get("/readyz").status_code == 503
        assert http.get("/healthz").json()["reasons"] == ["runner 'model' is not ready"]
        assert http.get("/livez").status_code == 200


def test_head_is_answered_and_other_methods_are_405() -> None:
    with TestClient(with_check(lambda _: True)) as http:
        assert http.head("/readyz").status_code == 200
        response = http.post("/livez")
        assert (response.status_code, response.json()["status"]) == (405, 405)
        assert "GET" in response.headers["allow"]
