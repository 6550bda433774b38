"""The app of docs/concepts.md that a service is mounted in."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from minibento import picklable_model

CODE = Path(__file__).parents[2] / "docs" / "code"
FLOWER = {"sepal_length": 5, "sepal_width": 3, "petal_length": 1, "petal_width": 0.2}


class OnlyRoses:
    def predict(self, flowers: list[Any]) -> list[str]:
        return ["rose" for _ in flowers]


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The module `app`, with a service whose model is a small one."""
    monkeypatch.setenv("MINIBENTO_HOME", str(tmp_path))
    picklable_model.save_model(
        "iris", OnlyRoses(), signatures={"predict": {"batchable": True}}, check=False
    )
    for folder in ("quickstart", "mounting"):
        monkeypatch.syspath_prepend(str(CODE / folder))
    for name in ("app", "service"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield importlib.import_module("app")
    for name in ("app", "service"):
        sys.modules.pop(name, None)


def test_the_lifespan_starts_the_service_before_the_first_request_and_stops_it(app: Any) -> None:
    runner = app.Iris.cls.model
    with TestClient(app.app) as http:
        assert runner.ready
        answer = http.post("/iris/classify", json=FLOWER)
        assert answer.json() == {"species": "rose"}
        assert http.get("/iris/readyz").status_code == 200
    assert not runner.ready


def test_without_it_the_first_request_starts_the_service_and_nobody_stops_it(app: Any) -> None:
    runner = app.Iris.cls.model
    bare = FastAPI()
    bare.mount("/iris", app.Iris)
    with TestClient(bare) as http:
        assert not runner.ready
        assert http.get("/iris/readyz").status_code == 200
        assert runner.ready
    assert runner.ready
