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

# After this many batches in a row of which every item failed, the fault is the model's, not an
# item's: bisecting would only multiply its cost. One item alone is then tried of each, and if it is
# answered the model works again.
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
            return self._after_failure(items, error)
        self._all_failed = 0
        return outcomes

    def _after_failure(self, items: Sequence[Any], error: BaseException) -> Outcomes:
        # A batch of one tells nothing: its item may be bad or the model.
        if len(items) == 1 or isinstance(error, BadResult):
            return [error] * len(items)
        if self._all_failed < HOPELESS_BATCHES:
            outcomes = self._halves(items)
        else:
            first, failed = self._group(items[:1])
            outcomes = [error] * len(items) if failed else first + self._bad(items[1:])
        failed = all(isinstance(outcome, BaseException) for outcome in outcomes)
        self._all_failed = self._all_failed + 1 if failed else 0
        return outcomes

    def _halves(self, items: Sequence[Any]) -> Outcomes:
        """The outcomes of a group of two or more that holds at least one bad item."""
        middle = len(items) // 2
        left, failed = self._group(items[:middle])
        right = self._group(items[middle:])[0] if failed else self._bad(items[middle:])
        return left + right

    def _bad(self, items: Sequence[Any]) -> Outcomes:
        """The outcomes of a group that is known to hold a bad item."""
        return self._group(items)[0] if len(items) == 1 else self._halves(items)

    def _group(self, items: Sequence[Any]) -> tuple[Outcomes, bool]:
        try:
            return list(self._run(items)), False
        except BaseException as error:  # noqa: BLE001 - whatever user code raises is its answer
            if len(items) == 1 or isinstance(error, BadResult):
                return [error] * len(items), True
            return self._halves(items), True
