"""Errors of the runners that have problem types of their own."""

import json
import logging

import pytest

from minibento.asgi.problem import of
from minibento.errors import MinibentoError, PoisonousItem, WorkerDied


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (PoisonousItem("model.predict: this item ended two"), "poisonous-item"),
        (WorkerDied("model.charge: may or may not have been done"), "worker-died"),
    ],
)
def test_who_called_is_told_how_a_worker_process_ended(
    error: MinibentoError, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, "minibento"):
        problem = of(error, "id", "/classify")
    found = json.loads(problem.body("id"))
    assert found == {
        "type": f"urn:minibento:problem:{kind}",
        "title": "Internal Server Error",
        "status": 500,
        "detail": str(error),
        "request_id": "id",
    }
    assert not caplog.records
