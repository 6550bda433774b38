"""Bodies that nobody expects: every answer is one that the description promises."""

import asyncio
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient
from starlette.types import Message

from tests.asgi.services import Kitchen
from tests.asgi.test_endpoint import in_flight, lifecycle

JSON = {"content-type": "application/json"}
NUMBERS = st.integers() | st.floats() | st.sampled_from([10**400, 2**63, 2**64, -0.0])
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["income", "home", "a", "b", "left", "right"]) | st.text(), inner
        )
    ),
    max_leaves=8,
)
LITERALS = ["1e999", "NaN", "-Infinity", "1e-400", "-0", "9" * 5000, '"\\ud800"', "true", "[[]]"]


@pytest.fixture(scope="module")
def http() -> Iterator[TestClient]:
    with TestClient(Kitchen.replace()) as client:
        yield client


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(path=st.sampled_from(["/classify", "/add", "/maybe", "/shout", "/matrix"]), value=VALUES)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_any_json_is_answered_as_described(http: TestClient, path: str, value: Any) -> None:
    response = http.post(path, content=json.dumps(value), headers=JSON)
    assert response.status_code in {200, 400, 422}
    json.loads(response.content, parse_constant=pytest.fail)


@pytest.mark.parametrize("literal", LITERALS, ids=lambda text: text[:10])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_strange_literal_is_exact_or_refused(http: TestClient, literal: str) -> None:
    for path, body in [
        ("/classify", '{"income": %s}'),
        ("/add", '{"a": %s}'),
        ("/matrix", "[%s]"),
        ("/shout", "%s"),
    ]:
        response = http.post(path, content=body % literal, headers=JSON)
        assert response.status_code in {200, 400, 422}
        json.loads(response.content, parse_constant=pytest.fail)


def test_mutated_bodies_are_never_a_server_error(http: TestClient) -> None:
    chance = random.Random(1)
    good = bytearray(b'{"income": 1200.5, "home": "r\\u00e9nt"}')
    for _ in range(1000):
        body = bytearray(good)
        for _ in range(chance.randint(1, 4)):
            body[chance.randrange(len(body))] = chance.randrange(256)
        response = http.post("/classify", content=bytes(body), headers=JSON)
        assert response.status_code in {200, 400, 422}, bytes(body)


def test_nothing_stays_in_flight_after_errors_timeouts_and_hang_ups() -> None:
    async def one(app: Any, kind: int) -> None:
        paths = ["/add", "/fails", "/sleeps", "/waits", "/nowhere", "/classify"]
        first = True

        async def receive() -> Message:
            nonlocal first
            if first:
                first = False
                return {"type": "http.request", "body": b'{"a": 1}', "more_body": False}
            return {"type": "http.disconnect"}

        async def send(_: Message) -> None: ...

        headers = [(b"content-type", b"application/json")]
        scope = {"type": "http", "method": "POST", "path": paths[kind % 6], "headers": headers}
        await app(scope, receive, send)

    async def main() -> None:
        app = Kitchen.replace()
        await asyncio.gather(*(one(app, kind) for kind in range(600)))
        assert in_flight(app) == 0
        (requests,) = [f for f in lifecycle(app).metrics if f.name == "minibento_requests_total"]
        assert sum(cell.number for cell in requests.series.values()) == 500
        await app.stop()

    asyncio.run(main())
