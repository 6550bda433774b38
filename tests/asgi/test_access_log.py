import io
import json
import logging
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from minibento import log
from minibento.asgi.service import Service, service
from minibento.asgi.serving import Serving
from minibento.call import current_call
from minibento.services.api import api


class Noting:
    @api
    async def predict(self) -> int:
        call = current_call.get()
        assert call is not None
        call.model_version, call.batch_size = "credit:abc", 3
        return 1

    @api
    async def plain(self) -> int:
        return 1


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    logger = logging.getLogger("minibento")
    before = logger.handlers[:], logger.level, logger.propagate
    made = io.StringIO()
    log.set_up("json", stream=made)
    yield made
    logger.handlers[:], logger.level, logger.propagate = before


def served(*, access_log: bool) -> Service[Noting]:
    made = service(Noting)
    made.serving = Serving(access_log=access_log)
    return made


def test_each_request_is_one_line_with_what_its_call_noted(stream: io.StringIO) -> None:
    with TestClient(served(access_log=True)) as http:
        http.post("/predict", headers={"x-request-id": "one"})
        http.post("/plain", headers={"content-type": "x"}, content=b"1")
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert first["request_id"] == "one"
    assert (first["api"], first["status"]) == ("predict", 200)
    assert (first["model_version"], first["batch_size"]) == ("credit:abc", 3)
    assert first["ms"] > 0
    assert first["time"].endswith("+00:00")
    assert (second["api"], second["status"]) == ("plain", 415)
    assert "batch_size" not in second


def test_other_paths_are_logged_too_but_not_the_probes(stream: io.StringIO) -> None:
    with TestClient(served(access_log=True)) as http:
        http.get("/livez")
        http.get("/metrics")
        http.get("/docs")
        http.get("/a%0d%0ab")
    docs, nowhere = map(json.loads, stream.getvalue().splitlines())
    assert (docs["api"], docs["status"]) == ("/docs", 200)
    assert (nowhere["api"], nowhere["status"]) == ("/a\r\nb", 404)


def test_it_is_off_unless_asked_for(stream: io.StringIO) -> None:
    with TestClient(served(access_log=False)) as http:
        http.post("/predict")
    assert stream.getvalue() == ""
