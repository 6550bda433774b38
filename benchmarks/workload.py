"""Requests and their right answers; knows no server.

The right answer of a model's server comes from the model called directly, one row at a time.
"""

import json
import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from benchmarks.credit_data import Application
from benchmarks.decision import placeholder_probability, status_of
from benchmarks.failures import MeasurementFailed

__all__ = ["Workload", "echoed", "modelled", "paired", "placeholder"]

PATH = "/classify"


@dataclass(frozen=True, slots=True)
class Workload:
    """Bodies that are sent in turn, and to each the right answer as parsed JSON."""

    path: str
    bodies: tuple[bytes, ...]
    answers: tuple[dict[str, Any], ...]

    def check(self, index: int, status: int, body: bytes) -> None:
        """Raise MeasurementFailed unless this is the right answer to body number `index`."""
        right = self.answers[index]
        with suppress(ValueError):
            if status == 200 and _same(json.loads(body), right):
                return
        shown = body[:300].decode(errors="replace")
        raise MeasurementFailed(
            f"wrong answer to {self.bodies[index].decode()}: {status} {shown}, right is {right}"
        )


def echoed(rows: Sequence[Application]) -> Workload:
    """Each body is its own answer."""
    return _workload(rows, lambda row: row)


def placeholder(rows: Sequence[Application]) -> Workload:
    """The answers of the servers that have no model."""
    return _workload(rows, lambda row: _decision(placeholder_probability(row)))


def modelled(rows: Sequence[Application], model: Any) -> Workload:
    """The answers of a server with this model."""
    return _workload(rows, lambda row: _decision(float(model.predict_proba([row])[0, 1])))


def paired(rows: Sequence[Application], model: Any) -> Workload:
    """The answers of a server that asks this model twice."""

    def answer(row: Application) -> dict[str, Any]:
        probability = float(model.predict_proba([row])[0, 1])
        return {"first": probability, "second": probability}

    return _workload(rows, answer)


def _workload(
    rows: Sequence[Application], answer: Callable[[Application], dict[str, Any]]
) -> Workload:
    bodies = tuple(json.dumps(row).encode() for row in rows)
    return Workload(PATH, bodies, tuple(answer(row) for row in rows))


def _decision(probability: float) -> dict[str, Any]:
    return {"probability": probability, "status": status_of(probability)}


def _same(got: Any, right: dict[str, Any]) -> bool:
    """Equal, but for the last digits of floats: a batch may add up in another order."""
    if not isinstance(got, dict) or got.keys() != right.keys():
        return False
    return all(
        math.isclose(got[key], value, rel_tol=1e-9, abs_tol=1e-9)
        if isinstance(value, float) and isinstance(got[key], int | float)
        else got[key] == value
        for key, value in right.items()
    )
