import re
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from tests.asgi.services import Kitchen


@pytest.fixture(scope="module")
def http() -> Iterator[TestClient]:
    with TestClient(Kitchen.replace()) as client:
        yield client


def test_the_docs_load_nothing_from_outside(http: TestClient) -> None:
    response = http.get("/docs")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert not re.search(r"https?://|//[a-z]+\.|innerHTML|document\.write|eval\(", response.text)


def test_the_root_leads_to_the_docs(http: TestClient) -> None:
    assert http.get("/").url.path == "/docs"


def test_behind_a_proxy_that_takes_a_prefix_away_all_ways_lead_through_it() -> None:
    with TestClient(Kitchen.replace(), root_path="/scoring", follow_redirects=False) as http:
        # What a server hands on: the path that the proxy has left, below the prefix again.
        assert http.get("/scoring/").headers["location"] == "/scoring/docs"
        assert http.get("/scoring/docs").status_code == 200
        # The page asks for it as `openapi.json`, beside itself.
        assert http.get("/scoring/openapi.json").json()["servers"] == [{"url": "/scoring"}]
        assert http.post("/scoring/add", json={"a": 1}).json() == 11


@pytest.mark.parametrize(
    ("path", "near"), [("/clasify", "/classify"), ("/add/", "/add"), ("/Docs", "/docs")]
)
def test_an_unknown_path_is_404_with_the_nearest_known(
    http: TestClient, path: str, near: str
) -> None:
    response = http.post(path)
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"
    assert f"did you mean {near}?" in response.json()["detail"]


def test_a_websocket_is_closed(http: TestClient) -> None:
    for path in ["/classify", "/nowhere"]:
        with pytest.raises(WebSocketDisconnect), http.websocket_connect(path):
            pass


def test_no_answer_allows_another_origin(http: TestClient) -> None:
    headers = {"origin": "http://evil.example", "access-control-request-method": "POST"}
    for verb in ["OPTIONS", "POST", "GET"]:
        for path in ["/classify", "/docs", "/livez", "/metrics"]:
            found = http.request(verb, path, headers=headers).headers
            assert not [name for name in found if name.startswith("access-control")]


PATHS = st.sampled_from(
    [
        "",
        "classify",
        "add",
        "docs",
        "metrics",
        "livez",
        "openapi.json",
        "..%2f..%2fetc",
        "%00",
        "%0d%0ax: y",
    ]
) | st.text(max_size=20)


@settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    verb=st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]),
    parts=st.lists(PATHS, min_size=1, max_size=3),
    body=st.binary(max_size=20),
)
def test_no_path_or_method_is_ever_a_server_error(
    http: TestClient, verb: str, parts: list[str], body: bytes
) -> None:
    path = "/" + "/".join(re.sub(r"[\x00-\x1f\x7f?#\ud800-\udfff]", "", part) for part in parts)
    if path.startswith("//"):
        path = "/" + path.lstrip("/")
    response = http.request(
        verb,
        path,
        content=body,
        headers={"content-type": "application/json"},
        follow_redirects=False,
    )
    assert response.status_code < 500
    assert "etc/passwd" not in response.text


def test_a_control_character_in_a_path_is_escaped(http: TestClient) -> None:
    detail = http.get("/a%0d%0ab%1b%e2%80%a8").json()["detail"]
    assert "\\r\\nb\\x1b\\u2028" in detail
