import shutil
from pathlib import Path
from typing import Any

import pytest

from benchmarks import contestants, workload
from benchmarks.closed_loop import Ratio, compare
from benchmarks.credit_data import Application
from benchmarks.failures import MeasurementFailed
from benchmarks.server import Contestant
from benchmarks.settings import Settings

ROWS: list[Application] = [{"time": 12 + index, "age": 30} for index in range(8)]
RIGHT = workload.placeholder(ROWS)


class Place:
    """As much of a workplace as a closed loop needs: no model."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory


def refuse() -> None:
    raise MeasurementFailed("not installed")


@pytest.mark.system
@pytest.mark.skipif(shutil.which("wrk") is None, reason="apt-get install -y wrk")
def test_contestants_are_measured_side_by_side_and_set_in_proportion(tmp_path: Path) -> None:
    place: Any = Place(tmp_path)
    starlette = contestants.uvicorn("starlette_noop:app")
    report = compare(
        "T",
        [
            Contestant("fastapi", starlette, RIGHT, prepare=refuse),
            Contestant("minibento", starlette, RIGHT),
        ],
        [2],
        [Ratio("minibento", "minibento", 2, 1.0), Ratio("minibento", "fastapi", 2, 1.0)],
        Settings(rounds=1, seconds=1, starts=1, place=place),
    )
    assert [row[0] for row in report.rows] == ["fastapi", "minibento"]
    assert report.rows[0][2:] == ["-"] * 5
    assert int(report.rows[1][2].replace(",", "")) > 100
    assert [goal.value for goal in report.goals] == [1.0, None]
    assert report.failures == {"fastapi": "not installed"}
