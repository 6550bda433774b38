"""A batch in which an item is bad is taken apart, so that its mates are answered."""

import math
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minibento.batching.isolate import HOPELESS_BATCHES, Isolation
from minibento.errors import BadResult, ItemError


class Doubling:
    """A model that doubles and fails on bad items; counts its calls."""

    def __init__(
        self, bad: set[int] | None = None, error: type[BaseException] = ValueError
    ) -> None:
        self.bad = bad or set()
        self.error = error
        self.calls: list[int] = []

    def __call__(self, items: Sequence[int]) -> list[Any]:
        self.calls.append(len(items))
        for item in items:
            if item in self.bad:
                raise self.error(item)
        return [item * 2 for item in items]


def answers(outcomes: list[Any]) -> list[Any]:
    """The outcomes, with the item that it names in each error's place."""
    return [("bad", o.args[0]) if isinstance(o, BaseException) else o for o in outcomes]


@pytest.mark.parametrize("bad", range(32))
def test_one_bad_item_of_32_fails_alone_for_at_most_ten_calls_more(bad: int) -> None:
    model = Doubling({bad})
    found = answers(Isolation(model)(range(32)))
    assert found == [("bad", n) if n == bad else 2 * n for n in range(32)]
    assert len(model.calls) - 1 <= 2 * math.log2(32)


@given(st.integers(1, 70), st.sets(st.integers(0, 69)))
def test_any_bad_items_fail_with_their_own_error_and_all_others_are_answered(
    count: int, bad: set[int]
) -> None:
    found = answers(Isolation(Doubling(bad))(range(count)))
    assert found == [("bad", n) if n in bad else 2 * n for n in range(count)]


def test_no_item_runs_alone_twice() -> None:
    model = Doubling(set(range(8)))
    Isolation(model)(range(8))
    assert model.calls.count(1) == 8


def test_a_good_batch_costs_one_call() -> None:
    model = Doubling()
    assert Isolation(model)(range(5)) == [0, 2, 4, 6, 8]
    assert model.calls == [5]


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, GeneratorExit, StopIteration])
def test_whatever_the_model_raises_is_its_items_error(error: type[BaseException]) -> None:
    outcomes = Isolation(Doubling({1}, error))(range(3))
    assert isinstance(outcomes[1], error)
    assert [outcomes[0], outcomes[2]] == [0, 4]


def test_an_error_returned_in_an_items_place_is_that_items_and_costs_nothing_more() -> None:
    calls = []

    def model(items: Sequence[int]) -> list[Any]:
        calls.append(len(items))
        return [ItemError("odd") if item % 2 else item for item in items]

    outcomes = Isolation(model)(range(4))
    assert [isinstance(outcome, ItemError) for outcome in outcomes] == [False, True, False, True]
    assert calls == [4]


def test_a_wrong_number_of_results_is_everybodys_error_and_is_not_bisected() -> None:
    calls = []

    def model(items: Sequence[int]) -> list[Any]:
        calls.append(len(items))
        raise BadResult("31 for 32")

    outcomes = Isolation(model)(range(32))
    assert all(isinstance(outcome, BadResult) for outcome in outcomes)
    assert calls == [32]


def hopeless(model: Doubling) -> Isolation:
    """An isolation that has seen every item of three batches fail."""
    isolation = Isolation(model)
    model.bad = {-1}
    for _ in range(HOPELESS_BATCHES):
        isolation([-1, -1, -1, -1])
    model.calls.clear()
    return isolation


def test_after_three_hopeless_batches_a_failed_one_costs_one_call_more() -> None:
    model = Doubling()
    isolation = hopeless(model)
    assert answers(isolation([-1] * 32)) == [("bad", -1)] * 32
    assert model.calls == [32, 1]


def test_after_three_hopeless_batches_the_first_answered_item_brings_bisection_back() -> None:
    model = Doubling()
    isolation = hopeless(model)
    assert answers(isolation([1, -1, 3, 4])) == [2, ("bad", -1), 6, 8]
    model.calls.clear()
    isolation([-1, 1, 1, 1])
    assert model.calls != [4, 1]


def test_after_three_hopeless_batches_a_good_one_brings_bisection_back() -> None:
    model = Doubling()
    isolation = hopeless(model)
    isolation([1, 2])
    assert answers(isolation([-1, 2])) == [("bad", -1), 4]


def test_bad_items_that_came_alone_do_not_switch_bisection_off() -> None:
    model = Doubling({-1})
    isolation = Isolation(model)
    for _ in range(10):
        isolation([-1])
    assert answers(isolation([-1, 2, 3])) == [("bad", -1), 4, 6]


def test_items_that_the_model_itself_calls_bad_do_not_switch_bisection_off() -> None:
    model = Doubling({-1})
    isolation = Isolation(lambda items: [ItemError("no")] * 2 if items == [0, 0] else model(items))
    for _ in range(10):
        isolation([0, 0])
    assert answers(isolation([-1, 2])) == [("bad", -1), 4]
