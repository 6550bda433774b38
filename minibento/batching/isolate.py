"""Runs a batch so that one bad item fails alone: on an error the batch is bisected.

Bisection by group testing: where the first half of a failed group succeeds, the second is known to
hold the bad item and is split without being run whole. One bad item in n costs at most 2 log2 n
calls more.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from minibento.errors import BadResult

__all__ = ["Isolation"]

T = TypeVar("T")
Outcomes = list[Any | BaseException]
Run = Callable[[Sequence[Any]], list[Any]]

# After this many batches in a row in which every item failed, the fault is the model's, not an
# item's: bisecting would only multiply its cost.
HOPELESS_BATCHES = 3


class Isolation:
    """Runs batches of one method and remembers whether bisecting has been of any use."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._all_failed = 0

    def __call__(self, items: Sequence[Any]) -> Outcomes:
        """One result or exception per item, in their order.

        An exception in an item's place among the results is that item's. SystemExit and the like
        are the model's errors too: they must not end the worker.
        """
        try:
            outcomes = list(self._run(items))
        except BaseException as error:  # noqa: BLE001 - whatever user code raises is its answer
            outcomes = self._after_failure(items, error)
        failed = all(isinstance(outcome, BaseException) for outcome in outcomes)
        self._all_failed = self._all_failed + 1 if failed else 0
        return outcomes

    def _after_failure(self, items: Sequence[Any], error: BaseException) -> Outcomes:
        hopeless = self._all_failed >= HOPELESS_BATCHES
        if len(items) == 1 or hopeless or isinstance(error, BadResult):
            return [error] * len(items)
        return self._halves(items)

    def _halves(self, items: Sequence[Any]) -> Outcomes:
        """The outcomes of a group of two or more that holds at least one bad item."""
        middle = len(items) // 2
        left, failed = self._group(items[:middle])
        if failed or len(items) - middle == 1:
            right, _ = self._group(items[middle:])
        else:
            right = self._halves(items[middle:])
        return left + right

    def _group(self, items: Sequence[Any]) -> tuple[Outcomes, bool]:
        try:
            return list(self._run(items)), False
        except BaseException as error:  # noqa: BLE001 - whatever user code raises is its answer
            if len(items) == 1 or isinstance(error, BadResult):
                return [error] * len(items), True
            return self._halves(items), True
