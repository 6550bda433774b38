"""What a batch costs, learned from batches."""

import random

import pytest

from minibento.batching.cost import Cost


def learned(*batches: tuple[int, float]) -> Cost:
    cost = Cost()
    for count, seconds in batches:
        cost.observe(count, seconds)
    return cost


def line(count: int) -> float:
    return 0.017 + 0.0005 * count


def test_before_anything_was_seen_a_batch_costs_nothing_and_any_size_fits() -> None:
    cost = Cost()
    assert cost.of(128) == 0.0
    assert cost.fitting(0.1) > 128


def test_two_sizes_give_the_line_through_them() -> None:
    cost = learned((1, line(1)), (64, line(64)))
    assert cost.fixed == pytest.approx(0.017)
    assert cost.each == pytest.approx(0.0005)
    assert cost.of(32) == pytest.approx(line(32))


def test_the_largest_batch_that_fits_is_found_and_is_at_least_one() -> None:
    cost = learned((1, line(1)), (64, line(64)))
    assert cost.fitting(line(40)) == 40
    assert cost.fitting(line(40) - 1e-6) == 39
    assert cost.fitting(0.001) == 1
    assert cost.fitting(float("inf")) > 10**6


def test_noisy_batches_of_many_sizes_give_the_line_within_a_tenth() -> None:
    chance = random.Random(1)
    cost = Cost()
    for _ in range(300):
        count = chance.randint(1, 64)
        cost.observe(count, line(count) * chance.uniform(0.95, 1.05))
    assert cost.of(1) == pytest.approx(line(1), rel=0.1)
    assert cost.of(64) == pytest.approx(line(64), rel=0.1)


def test_where_the_sizes_do_not_vary_only_the_level_moves() -> None:
    cost = learned((1, line(1)), (64, line(64)))
    for _ in range(100):
        cost.observe(16, line(16))
    each = cost.each
    for _ in range(500):
        cost.observe(16, 2 * line(16))
    assert cost.of(16) == pytest.approx(2 * line(16), rel=0.01)
    assert cost.each == each > 0.0


def test_one_stalled_batch_moves_the_prediction_by_less_than_a_quarter() -> None:
    cost = learned(*((n, line(n)) for n in range(1, 41)))
    before = cost.of(16)
    cost.observe(16, 100 * before)
    assert before < cost.of(16) < 1.25 * before


def test_a_model_that_became_ten_times_slower_is_followed_within_sixty_batches() -> None:
    cost = learned(*((n, line(n)) for n in range(1, 41)))
    for _ in range(60):
        cost.observe(16, 10 * line(16))
    assert cost.of(16) == pytest.approx(10 * line(16), rel=0.1)


def test_batches_that_took_no_time_at_first_do_not_hide_what_later_ones_take() -> None:
    cost = learned((1, 0.0), (1, 0.0), (1, 0.0))
    for _ in range(100):
        cost.observe(1, 0.02)
    assert cost.of(1) == pytest.approx(0.02, rel=0.05)


def test_neither_part_of_the_cost_is_ever_negative() -> None:
    falling = learned((1, 0.030), (64, 0.010))
    assert falling.each == 0.0
    assert falling.fixed > 0.0
    steep = learned((10, 0.001), (20, 0.1))
    assert steep.fixed == 0.0
    assert steep.each > 0.0


def test_the_largest_batch_seen_is_remembered() -> None:
    assert learned((4, 0.1), (32, 0.2), (8, 0.1)).largest == 32
