"""Measuring in interleaved rounds (A B C A B C ...), so that a noisy minute hits all alike."""

import sys
from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeVar

from benchmarks.failures import MeasurementFailed

__all__ = ["Measured", "interleave"]

Case = TypeVar("Case", bound=Hashable)
Figure = TypeVar("Figure")


class Measured(Generic[Case, Figure]):
    """Figures by case, one per round; a case that failed has its reason and no figures."""

    def __init__(self, cases: Sequence[Case]) -> None:
        self.figures: dict[Case, list[Figure]] = {case: [] for case in cases}
        self.failures: dict[Case, str] = {}

    def fail(self, case: Case, reason: object) -> None:
        """Drop the case and what was measured of it."""
        self.figures.pop(case, None)
        self.failures[case] = str(reason)


def interleave(
    cases: Sequence[Case], rounds: int, measure: Callable[[Case], Figure]
) -> Measured[Case, Figure]:
    """Measure every case once per round, in turn; one that fails is not tried again."""
    measured: Measured[Case, Figure] = Measured(cases)
    for number in range(1, rounds + 1):
        for case in cases:
            if case in measured.failures:
                continue
            print(f"  round {number} of {rounds}: {case}", file=sys.stderr)
            try:
                measured.figures[case].append(measure(case))
            except MeasurementFailed as failure:
                measured.fail(case, failure)
    return measured
