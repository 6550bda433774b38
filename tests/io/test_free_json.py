import dataclasses
import enum
import inspect
import json
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import BaseModel

from minibento.io.base import BadAnswer
from minibento.io.free_json import encode


class Colour(enum.Enum):
    RED = "red"


class Model(BaseModel):
    n: int


@dataclasses.dataclass
class Point:
    x: Any


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float32(0.5), 0.5),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.str_("a"), "a"),
        (np.array([[1, 2]]), [[1, 2]]),
        (np.array([1.0, np.nan, np.inf, -np.inf]), [1.0, None, None, None]),
        (np.array(2.5), 2.5),
        (np.array(["2026-01-02", "NaT"], dtype="datetime64[D]"), ["2026-01-02", None]),
        (np.datetime64("2026-01-02"), "2026-01-02"),
        (date(2026, 1, 2), "2026-01-02"),
        (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T00:00:00Z"),
        (pd.Timestamp("2026-01-02"), "2026-01-02T00:00:00"),
        (Colour.RED, "red"),
        (Model(n=1), {"n": 1}),
        (Point(np.array([1])), {"x": [1]}),
        (pd.NA, None),
        (pd.Series([1.0, None]), [1.0, None]),
        (
            pd.DataFrame({"a": [1, 2], "b": [0.5, np.inf]}),
            [{"a": 1, "b": 0.5}, {"a": 2, "b": None}],
        ),
        ((1, [2]), [1, [2]]),
        (None, None),
    ],
    ids=repr,
)
def test_values_of_these_types_are_json_at_any_depth(value: Any, expected: Any) -> None:
    assert json.loads(encode(value)) == expected
    assert json.loads(encode({"a": [{"b": value}]})) == {"a": [{"b": expected}]}


@pytest.mark.parametrize(
    "value", [object(), np.complex64(1), np.array([1j]), lambda: 1, {1}.__iter__]
)
def test_other_types_are_refused_by_name(value: Any) -> None:
    with pytest.raises(BadAnswer, match="JSON"):
        encode({"a": value})


@pytest.mark.parametrize(
    "value", [np.float32("nan"), float("inf"), [float("nan")], Point(float("nan"))]
)
def test_a_float_outside_an_array_must_be_finite(value: Any) -> None:
    with pytest.raises(BadAnswer, match="JSON cannot say"):
        encode({"a": value})


def test_a_value_that_holds_itself_is_refused() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(BadAnswer):
        encode(loop)


def test_a_coroutine_is_closed_and_its_error_says_await() -> None:
    async def answer() -> int:
        return 1

    # Left open it would warn, and warnings are errors here.
    pending = answer()
    with pytest.raises(BadAnswer, match="a coroutine that nobody has awaited: write `await`"):
        encode(pending)
    assert inspect.getcoroutinestate(pending) == inspect.CORO_CLOSED
