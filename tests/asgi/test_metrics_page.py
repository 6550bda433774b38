import pytest
from prometheus_client import Counter
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_open
from prometheus_client.parser import text_string_to_metric_families as parse
from starlette.testclient import TestClient

from tests.asgi.services import Kitchen

OWN = Counter("my_decisions", "The user's own.")


def test_requests_are_counted_by_api_and_status() -> None:
    with TestClient(Kitchen.replace()) as http:
        for body in ({"a": 1}, {"a": 2}, {"a": "x"}):
            http.post("/add", json=body)
        text = http.get("/metrics").text
    samples = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in parse(text)
        for sample in family.samples
    }
    api = ("api", "add")
    assert samples["minibento_requests_total", api, ("status", "200")] == 2
    assert samples["minibento_requests_total", api, ("status", "422")] == 1
    assert samples["minibento_requests_in_flight", api] == 0
    assert samples["minibento_request_seconds_count", api] == 3
    assert samples["minibento_request_seconds_bucket", api, ("le", "+Inf")] == 3
    assert samples["minibento_request_seconds_sum", api] > 0


def test_the_users_own_metrics_are_there_too() -> None:
    OWN.inc(3)
    with TestClient(Kitchen.replace()) as http:
        assert "my_decisions_total 3.0" in http.get("/metrics").text


def test_openmetrics_is_answered_to_who_accepts_it() -> None:
    with TestClient(Kitchen.replace()) as http:
        http.post("/nothing")
        response = http.get("/metrics", headers={"accept": "application/openmetrics-text"})
    assert response.headers["content-type"].startswith("application/openmetrics-text")
    names = [family.name for family in parse_open(response.text)]  # type: ignore[no-untyped-call]  # untyped library
    assert "minibento_requests" in names
    assert "my_decisions" in names


@pytest.mark.parametrize("version", ["x", "1.x", "-", "\u00b2", "1..0", "9" * 5000])
@pytest.mark.parametrize("kind", ["application/openmetrics-text", "text/plain"])
def test_an_accept_header_that_makes_no_sense_is_no_server_error(kind: str, version: str) -> None:
    with TestClient(Kitchen.replace()) as http:
        accept = f"{kind};version={version};escaping=?".encode("latin-1")
        assert http.get("/metrics", headers={b"accept": accept}).status_code == 200
