"""The numbers of a whole server, whichever worker is asked."""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.processes.serving import Running, running

SERVICE = """
import os
import minibento
import prometheus_client

ASKED = prometheus_client.Counter("asked", "Asked.")
COMPUTED = prometheus_client.Counter("computed", "Computed.")

class Model:
    @minibento.method(batchable=True)
    def double(self, numbers: list[int]) -> list[int]:
        COMPUTED.inc(len(numbers))
        return [2 * number for number in numbers]

@minibento.service
class Doubling:
    model = minibento.Runner(Model, workers=2)

    @minibento.api
    async def double(self, number: int) -> int:
        ASKED.inc()
        return await self.model.double(number)
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    (tmp_path / "service.py").write_text(SERVICE)
    with running(tmp_path, MINIBENTO_API_WORKERS="2") as found:
        yield found


def number(server: Running, line: str) -> float:
    with httpx2.Client(base_url=server.server.url) as http:
        text = http.get("/metrics").text
    found = [one.rpartition(" ") for one in text.splitlines() if one.startswith(line)]
    assert found, text
    return sum(float(value) for _, _, value in found)


def ask(server: Running, times: int) -> None:
    for _ in range(times):
        with httpx2.Client(base_url=server.server.url) as http:
            assert http.post("/double", json=1).status_code == 200


def test_every_worker_tells_the_numbers_of_all(server: Running) -> None:
    ask(server, 20)
    for _ in range(5):
        assert number(server, 'minibento_requests_total{api="double",status="200"}') == 20
        assert number(server, "asked_total") == 20
        assert number(server, "computed_total") == 20
        assert number(server, 'minibento_workers{role="runner",runner="model"}') == 2


def test_what_dead_workers_counted_stays_counted(server: Running) -> None:
    ask(server, 10)
    assert number(server, "computed_total") == 10
    for role in ("runner-worker", "api-worker"):
        server.until_replaced(role, server.kill(role))
    assert number(server, "computed_total") == 10
    assert number(server, "asked_total") == 10
    ask(server, 10)
    assert number(server, "computed_total") == 20
    assert number(server, 'minibento_requests_total{api="double",status="200"}') == 20
    assert number(server, "minibento_worker_restarts_total") == 2


def test_a_reload_takes_no_number_back(server: Running) -> None:
    ask(server, 10)
    assert server.reload()["ok"]
    ask(server, 5)
    assert number(server, "asked_total") == 15
    assert number(server, 'minibento_requests_total{api="double",status="200"}') == 15
