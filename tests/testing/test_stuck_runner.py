"""A service whose model does not return: what probes, callers and the log are told."""

import json
import logging
import threading
import time
from collections.abc import Iterator
from typing import Any, ClassVar

import httpx2
import pytest

from minibento.asgi.service import Service, service
from minibento.runners.method import method
from minibento.runners.runner import Runner
from minibento.services.api import api
from minibento.testing import client


class Sticky:
    """Its one method can be held."""

    entered: ClassVar[threading.Event]
    go_on: ClassVar[threading.Event]

    @method(batchable=True)
    def double(self, items: list[int]) -> list[int]:
        if 13 in items:
            Sticky.entered.set()
            assert Sticky.go_on.wait(30)
        return [item * 2 for item in items]


def made() -> "Service[Any]":
    class Doubling:
        model = Runner(Sticky)

        @api
        async def double(self, n: int) -> int:
            answer: int = await self.model.double(n)
            return answer

    return service(Doubling)  # type: ignore[return-value, unused-ignore]


@pytest.fixture
def held() -> Iterator[None]:
    Sticky.entered, Sticky.go_on = threading.Event(), threading.Event()
    yield
    Sticky.go_on.set()


SHORT = {"minibento-timeout": "0.05"}


@pytest.mark.usefixtures("held")
def test_a_stuck_runner_is_not_ready_until_its_batch_ends(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with client(made()) as http, caplog.at_level(logging.ERROR, "minibento"):
        assert http.post("/double", json=13, headers=SHORT).status_code == 504
        assert Sticky.entered.is_set()
        until_status(http, 503)
        told = http.get("/healthz").json()
        assert told["runners"]["model"]["ready"] is False
        (reason,) = told["reasons"]
        assert "runner 'model' is not ready: model.double has been computing one batch" in reason
        # New calls wait in the queue and get their 504.
        assert http.post("/double", json=1, headers=SHORT).status_code == 504
        assert http.get("/livez").status_code == 200
        Sticky.go_on.set()
        until_status(http, 200)
        assert http.post("/double", json=2).json() == 4
        stuck, back = [record.getMessage() for record in caplog.records]
    assert stuck.startswith("runner 'model' answers nobody: model.double has been computing")
    assert back.startswith("runner 'model' is back: model.double took")


@pytest.mark.usefixtures("held")
def test_a_stuck_runner_does_not_hold_up_the_stop() -> None:
    with client(made()) as http:
        assert http.post("/double", json=13, headers=SHORT).status_code == 504
        begun = time.monotonic()
    assert time.monotonic() - begun < 10


def until_status(http: httpx2.Client, status: int) -> None:
    until = time.monotonic() + 20
    while (answer := http.get("/readyz")).status_code != status:
        assert time.monotonic() < until, json.dumps(answer.json())
