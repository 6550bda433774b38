import os

import pytest
from prometheus_client import REGISTRY, Counter, Enum, Histogram, Info, Summary, generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_open
from prometheus_client.parser import text_string_to_metric_families as parse
from starlette.applications import Starlette
from starlette.testclient import TestClient

from minibento.asgi.metrics_page import metrics_route
from minibento.metrics import Family, Metrics
from minibento.processes.totals import Totals
from minibento.user_metrics import user_families
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


FAMILIES: list[Family] = [
    {"name": "n_total", "kind": "counter", "text": "N.", "labels": ["api"], "bounds": [],
     "series": [[["add"], 2]]},
    {"name": "g", "kind": "gauge", "text": "G.", "labels": [], "bounds": [], "series": [[[], 1.5]]},
    {"name": "t_seconds", "kind": "histogram", "text": "T.", "labels": ["api"],
     "bounds": [0.5, 1.0], "unit": "seconds",
     "series": [[["add"], {"counts": [1, 0, 2], "total": 7.5}],
                [["sub"], {"counts": [0, 1, 0], "total": None}]]},
    {"name": "s", "kind": "summary", "text": "S.", "labels": [], "bounds": [],
     "series": [[[], {"count": 2, "total": 3.0}]]},
    {"name": "build", "kind": "info", "text": "B.", "labels": ["version"], "bounds": [],
     "series": [[["1"], 1]]},
    {"name": "state", "kind": "stateset", "text": "E.", "labels": ["state"], "bounds": [],
     "series": [[["up"], 1], [["down"], 0]]},
    {"name": "gh", "kind": "gaugehistogram", "text": "H.", "labels": [], "bounds": [1.0],
     "series": [[[], {"counts": [1, 1], "total": 2.0}]]},
    {"name": "u", "kind": "unknown", "text": "U.", "labels": [], "bounds": [], "series": [[[], 1]]},
    {"name": "none_total", "kind": "counter", "text": "0.", "labels": [], "bounds": [],
     "series": []},
]  # fmt: skip
TEXT = """\
# HELP n_total N.
# TYPE n_total counter
n_total{api="add"} 2.0
# HELP g G.
# TYPE g gauge
g 1.5
# HELP t_seconds T.
# TYPE t_seconds histogram
t_seconds_bucket{api="add",le="0.5"} 1.0
t_seconds_bucket{api="add",le="1.0"} 1.0
t_seconds_bucket{api="add",le="+Inf"} 3.0
t_seconds_count{api="add"} 3.0
t_seconds_sum{api="add"} 7.5
t_seconds_bucket{api="sub",le="0.5"} 0.0
t_seconds_bucket{api="sub",le="1.0"} 1.0
t_seconds_bucket{api="sub",le="+Inf"} 1.0
# HELP s S.
# TYPE s summary
s_count 2.0
s_sum 3.0
# HELP build_info B.
# TYPE build_info gauge
build_info{version="1"} 1.0
# HELP state E.
# TYPE state gauge
state{state="up"} 1.0
state{state="down"} 0.0
# HELP gh H.
# TYPE gh histogram
gh_bucket{le="1.0"} 1.0
gh_bucket{le="+Inf"} 2.0
# HELP u U.
# TYPE u untyped
u 1.0
# HELP none_total 0.
# TYPE none_total counter
# HELP gh_gcount H.
# TYPE gh_gcount gauge
gh_gcount 2.0
# HELP gh_gsum H.
# TYPE gh_gsum gauge
gh_gsum 2.0
"""


async def the_whole_server() -> list[Family]:
    return FAMILIES


def test_a_source_tells_of_the_whole_server_and_of_nothing_else() -> None:
    with TestClient(Starlette(routes=[metrics_route(Metrics(), the_whole_server)])) as http:
        text = http.get("/metrics").text
    assert sorted(text.splitlines()) == sorted(TEXT.splitlines())


def test_a_source_is_told_in_openmetrics_too() -> None:
    with TestClient(Starlette(routes=[metrics_route(Metrics(), the_whole_server)])) as http:
        text = http.get("/metrics", headers={"accept": "application/openmetrics-text"}).text
    kinds = {family.name: family.type for family in parse_open(text)}  # type: ignore[no-untyped-call]  # untyped library
    assert kinds == {f["name"].removesuffix("_total"): f["kind"] for f in FAMILIES}
    assert "# UNIT t_seconds seconds" in text


def test_user_metrics_told_by_a_process_read_as_the_library_itself_writes_them() -> None:
    OWN.inc()
    Histogram("my_seconds", "Time.", ["x"]).labels("a").observe(0.2)
    Summary("my_summary", "Sum.").observe(2)
    Enum("my_state", "State.", states=["up", "down"]).state("down")
    Info("my_build", "Build.").info({"version": "1"})

    async def ours() -> list[Family]:
        totals = Totals()
        totals.report(1, user_families())
        return totals.merged()

    with TestClient(Starlette(routes=[metrics_route(Metrics(), ours)])) as http:
        text = http.get("/metrics").text
    own = os.getpid()
    for label in (f'{{pid="{own}"}}', f',pid="{own}"', f'pid="{own}",'):
        text = text.replace(label, "")
    theirs = generate_latest(REGISTRY).decode().splitlines()
    assert {line for line in theirs if "my_" in line and "_created" not in line} <= {
        *text.splitlines()
    }
