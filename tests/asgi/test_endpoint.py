import asyncio
import json
import logging
import re
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient
from starlette.types import Message, Scope

from minibento.asgi.service import Service, service
from minibento.asgi.serving import Serving
from minibento.call import current_call
from minibento.services.api import api
from tests.asgi.services import FAILURES, Kitchen

JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def http() -> Iterator[TestClient]:
    with TestClient(Kitchen, raise_server_exceptions=True) as client:
        yield client


def problem(response: Any, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = response.json()
    assert document["status"] == status
    assert document["request_id"] == response.headers["x-request-id"]
    return document


@pytest.mark.parametrize(
    ("path", "body", "answer"),
    [
        ("/classify", '{"income": 1}', {"probability": 1.0, "status": "APPROVED"}),
        ("/add", '{"a": 1, "b": 2}', 3),
        ("/add", '{"a": 1}', 11),
        ("/nothing", "{}", "done"),
        ("/nothing", "", "done"),
        ("/shout", '"a"', "A"),
        ("/maybe", '{"left": 2, "right": 3}', 5),
        ("/maybe", "", 3),
        ("/keyword", "4", 4),
        ("/matrix", "[[1, 0]]", [[None, None]]),
    ],
)
@pytest.mark.filterwarnings("ignore:(divide by zero|invalid value):RuntimeWarning")
def test_a_body_becomes_the_methods_arguments(
    http: TestClient, path: str, body: str, answer: object
) -> None:
    response = http.post(path, content=body, headers=JSON)
    assert (response.status_code, response.json()) == (200, answer)
    assert response.headers["content-type"] == "application/json"


def test_a_method_that_takes_nothing_needs_no_content_type(http: TestClient) -> None:
    assert http.post("/nothing").json() == "done"
    assert http.post("/maybe").json() == 3


def test_a_string_may_come_as_plain_text(http: TestClient) -> None:
    response = http.post("/shout", content="é", headers={"content-type": "text/plain"})
    assert response.json() == "É"


@pytest.mark.parametrize(
    ("path", "body", "mend"),
    [
        ("/classify", {"application": {"income": 1}}, "send it without that key"),
        ("/add", 3, "send an object with the keys a, b"),
        ("/add", [1, 2], "send an object with the keys a, b"),
        ("/nothing", {"a": 1}, "takes nothing"),
    ],
)
def test_the_other_form_of_a_body_is_answered_with_the_mend(
    http: TestClient, path: str, body: object, mend: str
) -> None:
    assert mend in problem(http.post(path, json=body), 422)["detail"]


def test_a_validation_problem_names_field_expectation_and_what_came(http: TestClient) -> None:
    found = problem(http.post("/classify", json={"income": "much", "age": 3}), 422)
    assert [entry["field"] for entry in found["errors"]] == ["income", "age"]
    assert found["errors"][0]["got"] == "'much'"
    assert "number" in found["errors"][0]["expected"]
    assert problem(http.post("/add", json={"b": 1}), 422)["errors"][0]["field"] == "a"


def test_nothing_is_read_from_the_query(http: TestClient) -> None:
    problem(http.post("/add?a=1&b=2", json={}), 422)


@pytest.mark.parametrize(
    ("headers", "says"),
    [
        ({}, "no Content-Type"),
        (
            {"content-type": "application/x-www-form-urlencoded"},
            "-H 'content-type: application/json'",
        ),
        ({"content-type": "application/python-pickle"}, "send application/json"),
        ({"content-type": "image/svg+xml"}, "send application/json"),
        ({"content-type": "multipart/form-data; boundary=x"}, "send application/json"),
        ({"content-type": "text/plain"}, "send application/json"),
        ({"content-type": "application/json; charset=latin-1"}, "charset 'latin-1'"),
        ({"content-type": 'application/json; charset="x-unknown"'}, "charset 'x-unknown'"),
        ({**JSON, "content-encoding": "gzip"}, "Content-Encoding 'gzip'"),
        ({**JSON, "content-encoding": "br,gzip,gzip"}, "br,gzip,gzip"),
    ],
)
def test_other_content_types_and_encodings_are_415(
    http: TestClient, headers: dict[str, str], says: str
) -> None:
    response = http.post("/classify", content=b'{"income": 1}', headers=headers)
    assert says in problem(response, 415)["detail"]


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON;Charset=UTF-8",
        'application/json ; charset="utf-8"',
        "application/json; v=1",
    ],
)
def test_json_is_json_however_its_type_is_written(http: TestClient, content_type: str) -> None:
    headers = {"content-type": content_type, "content-encoding": "identity"}
    assert http.post("/classify", content=b'{"income": 1}', headers=headers).status_code == 200


@pytest.mark.parametrize("kind", sorted(FAILURES))
@pytest.mark.parametrize("path", ["/fails", "/fails_in_thread"])
def test_an_error_becomes_the_answer_without_internals(
    http: TestClient, caplog: pytest.LogCaptureFixture, kind: str, path: str
) -> None:
    statuses = {
        "item": 422, "item 409": 409, "http": 418, "overloaded": 503, "unavailable": 503,
        "deadline": 504, "surrogate": 422, "item of an error": 422,
        "http number": 418,
    }  # fmt: skip
    with caplog.at_level(logging.ERROR, "minibento"):
        response = http.post(path, json=kind)
    found = problem(response, statuses.get(kind, 500))
    assert "secret" not in response.text
    assert "Traceback" not in response.text
    if kind in statuses:
        assert not caplog.records
    else:
        (record,) = caplog.records
        assert getattr(record, "request_id") == found["request_id"]  # noqa: B009  # set by extra
        logged = logging.Formatter().format(record)
        assert "remote trace" in logged if kind == "model" else "secret" in logged
        # Wherever it failed: the event says what, the traceback stands beside it.
        assert f"{path} failed: " in record.getMessage()
        assert "race" not in record.getMessage()


def test_what_the_errors_carry_is_answered(http: TestClient) -> None:
    assert problem(http.post("/fails", json="item"), 422)["errors"][0]["field"] == "text"
    assert http.post("/fails", json="overloaded").headers["retry-after"] == "7"
    assert http.post("/fails", json="unavailable").headers["retry-after"] == "1"
    assert http.post("/fails", json="http").headers["x-tea"] == "green"


@pytest.mark.parametrize("path", ["/status", "/respond"])
@pytest.mark.parametrize("code", [-1, 0, 99, 101, 600, 999])
def test_a_status_that_is_none_is_500_and_named_in_the_log(
    http: TestClient, caplog: pytest.LogCaptureFixture, path: str, code: int
) -> None:
    problem(http.post(path, json=code), 500)
    assert f"the status {code} of the answer is none" in caplog.text


@pytest.mark.parametrize("code", [204, 304])
def test_an_answer_that_may_have_no_body_has_none(http: TestClient, code: int) -> None:
    response = http.post("/status", json=code)
    assert (response.status_code, response.content) == (code, b"")
    assert not {"content-length", "content-type"} & set(response.headers)
    assert "x-request-id" in response.headers


def test_a_response_that_fails_before_its_first_byte_is_500(
    http: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    response = http.post("/lost_file")
    problem(response, 500)
    assert "secret" not in response.text
    assert "secret" in caplog.text


@pytest.mark.parametrize("number", ["nan", "inf", "-inf"])
def test_a_float_that_is_not_finite_is_500_and_named_in_the_log(
    http: TestClient, caplog: pytest.LogCaptureFixture, number: str
) -> None:
    found = problem(http.post("/nan", json=number), 500)
    assert "probability" not in found["detail"]
    assert "the answer's probability is" in caplog.text


def test_the_context_says_about_the_request_and_the_answer(http: TestClient) -> None:
    headers = {"x-request-id": "my-id.1", "minibento-timeout": "2.5", "user-agent": "me"}
    response = http.post("/context", json=1, headers=headers)
    assert response.status_code == 201
    assert response.headers["x-own"] == "yes"
    assert response.headers["set-cookie"].startswith("a=b")
    assert response.headers["content-type"] == "application/json"
    answer = response.json()
    assert (answer["id"], answer["agent"]) == ("my-id.1", "me")
    assert 2 < answer["left"] <= 2.5


def test_a_line_break_in_a_header_never_leaves(http: TestClient) -> None:
    problem(http.post("/forge", json="a\r\nset-cookie: x=y"), 500)


def test_a_response_is_sent_as_it_is_and_may_be_shared(http: TestClient) -> None:
    for _ in range(2):
        response = http.post("/shared")
        assert response.text == "shared"
        assert len(response.headers.get_list("x-request-id")) == 1


@pytest.mark.parametrize("given", ["", "a b", "a\tb", "x" * 129, "é", "a;b", "<script>"])
def test_a_request_id_that_is_none_is_replaced(http: TestClient, given: str) -> None:
    response = http.post("/nothing", headers={b"x-request-id": given.encode()})
    assert re.fullmatch(r"[0-9a-f]+-[0-9a-f]+", response.headers["x-request-id"])


@pytest.mark.parametrize(
    "given", ["", "x", "-1", "nan", "inf", "1e3", "0x1", "1_0", "1 2", "9999999"]
)
def test_a_timeout_header_that_is_no_number_is_400(http: TestClient, given: str) -> None:
    problem(http.post("/nothing", headers={"minibento-timeout": given}), 400)


def test_other_methods_are_405_and_options_says_which(http: TestClient) -> None:
    for verb in ["GET", "HEAD", "PUT", "PATCH", "DELETE", "TRACE", "WHATEVER"]:
        response = http.request(verb, "/classify")
        assert response.status_code == 405
        assert response.headers["allow"] == "POST, OPTIONS"
    response = http.options("/classify")
    assert (response.status_code, response.headers["allow"]) == (200, "POST, OPTIONS")


def test_a_method_past_its_deadline_is_504(http: TestClient) -> None:
    problem(http.post("/sleeps"), 504)
    problem(http.post("/blocks"), 504)
    response = http.post("/waits", headers={"minibento-timeout": "0.02"})
    problem(response, 504)


# Below, the app is called without a client between, to see what no client shows.


async def call(
    app: Service[Any],
    path: str,
    messages: Callable[[], Awaitable[Message]],
    headers: list[tuple[bytes, bytes]] | None = None,
) -> list[Message]:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "headers": headers or [(b"content-type", b"application/json")],
    }
    await app(scope, messages, send)
    return sent


def parts(*given: bytes) -> Callable[[], Awaitable[Message]]:
    left = list(given)

    async def receive() -> Message:
        if not left:
            await asyncio.Event().wait()
        part = left.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(left)}

    return receive


def test_a_body_in_parts_is_put_together() -> None:
    async def main() -> None:
        sent = await call(Kitchen.replace(), "/add", parts(b'{"a"', b"", b": 1", b"}"))
        assert sent[0]["status"] == 200
        assert sent[1]["body"] == b"11"

    asyncio.run(main())


@pytest.mark.parametrize("size", [-1, 0, 1])
def test_a_body_over_the_limit_is_413(size: int) -> None:
    app = Kitchen.replace()
    app.serving = Serving(max_body=1000)

    async def main() -> None:
        body = b'{"a": 1' + b" " * (1000 + size - 8) + b"}"
        sent = await call(app, "/add", parts(body[:500], body[500:]))
        assert sent[0]["status"] == (413 if size > 0 else 200)
        whole = await call(app, "/add", parts(body))
        assert whole[0]["status"] == (413 if size > 0 else 200)

    asyncio.run(main())


def test_all_large_bodies_together_have_only_so_much_room() -> None:
    app = Kitchen.replace()
    app.serving = Serving(max_room=1000)
    body = b'{"a": 1' + b" " * 692 + b"}"
    halves = body[:350], body[350:]

    async def main() -> None:
        goes_on = asyncio.Event()
        left = list(halves)

        async def slowly() -> Message:
            if len(left) < len(halves):
                await goes_on.wait()
            return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

        slow = asyncio.create_task(call(app, "/add", slowly))
        await asyncio.sleep(0)
        refused = await call(app, "/add", parts(*halves))
        assert refused[0]["status"] == 503
        assert {(b"retry-after", b"1"), (b"connection", b"close")} <= set(refused[0]["headers"])
        assert b"other requests have 350 bytes of the 1,000" in refused[1]["body"]
        # What comes in one piece is as small as what any connection holds.
        assert (await call(app, "/add", parts(body)))[0]["status"] == 200
        goes_on.set()
        assert (await slow)[0]["status"] == 200
        # Nothing is held for those who are answered, nor is a single one ever too large for it.
        assert (await call(app, "/add", parts(*halves)))[0]["status"] == 200
        assert (await call(app, "/add", parts(*halves, b" " * 2000)))[0]["status"] == 200

    asyncio.run(main())


def test_a_body_that_says_it_is_too_large_is_not_read() -> None:
    async def main() -> None:
        headers = [(b"content-type", b"application/json"), (b"content-length", b"99999999999")]
        sent = await call(Kitchen.replace(), "/add", parts(b"{", b"never read"), headers)
        assert sent[0]["status"] == 413
        assert (b"connection", b"close") in sent[0]["headers"]

    asyncio.run(main())


def test_a_client_that_leaves_in_its_body_gets_no_answer() -> None:
    async def main() -> None:
        async def receive() -> Message:
            return {"type": "http.disconnect"}

        assert await call(Kitchen.replace(), "/add", receive) == []

    asyncio.run(main())


def test_a_client_that_leaves_cancels_its_async_method() -> None:
    async def main() -> None:
        app = Kitchen.replace()
        gone = asyncio.Event()
        first = parts(b"{}")

        async def receive() -> Message:
            if not gone.is_set():
                gone.set()
                return await first()
            assert instance(app).entered.is_set()
            return {"type": "http.disconnect"}

        assert await asyncio.wait_for(call(app, "/waits", receive), 5) == []
        assert instance(app).cancelled.is_set()
        text = "".join(
            f"{s.number} " for f in metrics(app) for k, s in f.series.items() if "499" in k
        )
        assert text == "1.0 "

    asyncio.run(main())


def test_a_body_that_never_comes_is_408_at_the_deadline() -> None:
    async def main() -> None:
        headers = [(b"content-type", b"application/json"), (b"minibento-timeout", b"0.05")]

        async def receive() -> Message:
            if asyncio.current_task() in seen:
                await asyncio.Event().wait()
            seen.add(asyncio.current_task())
            return {"type": "http.request", "body": b"{", "more_body": True}

        seen: set[Any] = set()
        sent = await call(Kitchen.replace(), "/add", receive, headers)
        assert sent[0]["status"] == 408

    asyncio.run(main())


def test_cancellation_from_outside_is_passed_on_and_nothing_stays_in_flight() -> None:
    async def main() -> None:
        app = Kitchen.replace()
        task = asyncio.ensure_future(call(app, "/waits", parts(b"{}")))
        await app.start()
        await asyncio.wait_for(instance(app).entered.wait(), 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert instance(app).cancelled.is_set()
        assert in_flight(app) == 0

    asyncio.run(main())


def test_a_timed_out_sync_method_keeps_its_slot_until_it_ends() -> None:
    async def main() -> None:
        app = Kitchen.replace()
        sent = await call(app, "/blocks", parts(b""))
        assert sent[0]["status"] == 504
        threads: Any = lifecycle(app).threads
        assert threads._idle == threads._most - 1
        instance(app).held.set()
        await app.stop()

    asyncio.run(main())


def test_the_call_is_known_inside_and_forgotten_after() -> None:
    async def main() -> None:
        sent = await call(Kitchen.replace(), "/context", parts(b"1"), HEADERS)
        assert json.loads(sent[1]["body"])["id"] == "one"
        assert current_call.get() is None

    asyncio.run(main())


HEADERS = [
    (b"content-type", b"application/json"),
    (b"x-request-id", b"one"),
    (b"user-agent", b"test"),
]


class Pool:
    """Methods of which one takes long, in the same threads."""

    def __init__(self) -> None:
        self.slow_ones = threading.Event()

    @api
    def slow(self) -> None:
        self.slow_ones.wait(0.5)

    @api(timeout=0.4)
    def quick(self) -> str:
        return "done"


def test_a_quick_call_waits_for_a_thread_though_those_of_other_methods_take_long() -> None:
    async def main() -> None:
        app = service(Pool).replace()
        await call(app, "/slow", parts(b""))  # so long it takes
        threads = lifecycle(app).threads
        slow = [asyncio.create_task(call(app, "/slow", parts(b""))) for _ in range(threads._most)]
        await asyncio.sleep(0)
        assert threads._idle == 0
        quick = asyncio.create_task(call(app, "/quick", parts(b"")))
        await asyncio.sleep(0)  # it waits, or is refused
        instance(app).slow_ones.set()
        sent = await quick
        assert (sent[0]["status"], sent[1]["body"]) == (200, b'"done"')
        await asyncio.gather(*slow)
        await app.stop()

    asyncio.run(main())


def lifecycle(app: Service[Any]) -> Any:
    assert app._lifecycle is not None
    return app._lifecycle


def instance(app: Service[Any]) -> Any:
    return lifecycle(app).instance


def metrics(app: Service[Any]) -> Any:
    return lifecycle(app).metrics


def in_flight(app: Service[Any]) -> float:
    (family,) = [f for f in metrics(app) if f.name == "minibento_requests_in_flight"]
    return float(sum(cell.number for cell in family.series.values()))
