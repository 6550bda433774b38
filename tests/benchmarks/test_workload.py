import json

import pytest

from benchmarks import workload
from benchmarks.credit_data import Application
from benchmarks.failures import MeasurementFailed

ROW: Application = {"time": 30, "age": 30}


def test_the_right_answer_passes_whatever_the_last_digits() -> None:
    right = workload.placeholder([ROW])
    right.check(0, 200, b'{"status": "MAYBE", "probability": 0.50000000000001}')


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b'{"probability": 0.51, "status": "MAYBE"}'),
        (200, b'{"probability": 0.5, "status": "APPROVED"}'),
        (200, b'{"probability": 0.5}'),
        (200, b'{"probability": "0.5", "status": "MAYBE"}'),
        (200, b"[]"),
        (422, b'{"probability": 0.5, "status": "MAYBE"}'),
        (500, b"Internal Server Error"),
        (200, b"not JSON"),
    ],
)
def test_a_wrong_answer_is_refused_and_shown(status: int, body: bytes) -> None:
    with pytest.raises(MeasurementFailed) as failure:
        workload.placeholder([ROW]).check(0, status, body)
    assert body.decode() in str(failure.value)


def test_an_echo_answers_the_body() -> None:
    right = workload.echoed([ROW])
    right.check(0, 200, json.dumps(ROW).encode())
