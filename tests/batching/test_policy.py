"""When a batch goes and how large, on a clock made of numbers."""

import math
from dataclasses import dataclass

import pytest

from minibento.batching.policy import SHORT_BATCH, Adaptive, Greedy, Policy, Send, Wait


@dataclass
class Line:
    """A queue as the policy sees it."""

    count: int
    oldest: float
    due: float = math.inf

    def __len__(self) -> int:
        return self.count


def warm(
    fixed: float, each: float, *, max_batch_size: int = 128, objective: float = 0.1
) -> Adaptive:
    policy = Adaptive(max_batch_size, objective)
    policy.prior([(n, fixed + each * n) for n in (1, 8, 64)])
    return policy


def forest(*, max_batch_size: int = 128, objective: float = 0.1) -> Adaptive:
    return warm(0.017, 0.00005, max_batch_size=max_batch_size, objective=objective)


def sleeping(*, objective: float = 0.1) -> Adaptive:
    return warm(0.005, 0.005, objective=objective)


def taking_turns(policy: Policy, *, half: int = 16, seconds: float = 0.018) -> float:
    """Two halves of a closed loop take turns for a while; the last finish, the other half waits."""
    now = 0.0
    for _ in range(10):
        policy.finished(now, half, seconds)
        for client in range(half):
            policy.arrived(now + 0.0001 + client * 0.00001)
        now += seconds
    policy.finished(now, half, seconds)
    return now


def test_greedy_sends_all_that_waits_up_to_the_largest_batch() -> None:
    policy = Greedy(32)
    assert policy.decide(0.0, Line(5, 0.0)) == Send(5)
    assert policy.decide(0.0, Line(50, 0.0)) == Send(32)
    assert policy.hopeless(1.0, 1.0)
    assert not policy.hopeless(1.0, 1.1, 10)


def test_a_lone_item_starts_at_once() -> None:
    policy = forest()
    policy.arrived(1.0)
    assert policy.decide(1.0, Line(1, 1.0)) == Send(1)


def test_a_lone_client_who_always_comes_back_never_waits() -> None:
    policy = forest()
    now = 0.0
    for _ in range(50):
        policy.arrived(now)
        assert policy.decide(now, Line(1, now)) == Send(1)
        now += 0.017
        policy.finished(now, 1, 0.017)
        now += 0.0003


def test_half_a_closed_loop_waits_for_the_other_half_and_goes_with_it() -> None:
    policy = forest()
    now = taking_turns(policy)
    decision = policy.decide(now, Line(16, now - 0.017))
    assert isinstance(decision, Wait)
    assert now < decision.until < now + 0.002
    policy.arrived(now + 0.0002, 15)
    assert isinstance(policy.decide(now + 0.0002, Line(31, now - 0.017)), Wait)
    policy.arrived(now + 0.0003)
    assert policy.decide(now + 0.0003, Line(32, now - 0.017)) == Send(32)


def test_a_wait_that_nobody_ends_is_over_at_its_time() -> None:
    policy = forest()
    now = taking_turns(policy)
    decision = policy.decide(now, Line(16, now - 0.017))
    assert isinstance(decision, Wait)
    assert policy.decide(decision.until, Line(16, now - 0.017)) == Send(16)


def test_it_does_not_wait_past_the_objective_of_the_oldest() -> None:
    policy = forest(objective=0.04)
    now = taking_turns(policy)
    oldest = now - 0.04 + 0.0188  # 32 take 18.6 ms.
    decision = policy.decide(now, Line(16, oldest))
    assert isinstance(decision, Wait)
    assert now < decision.until <= now + 0.0002 + 1e-9


def test_it_does_not_wait_past_the_deadline_of_the_head() -> None:
    policy = forest()
    now = taking_turns(policy)
    assert policy.decide(now, Line(16, now - 0.017, due=now + 0.018)) == Send(16)


def test_it_does_not_wait_where_no_timer_is_as_short_as_the_fixed_cost() -> None:
    policy = warm(0.0004, 0.000026)
    now = taking_turns(policy, seconds=0.0008)
    assert policy.decide(now, Line(16, now - 0.0005)) == Send(16)


def test_a_full_batch_goes_at_once() -> None:
    policy = forest(max_batch_size=16)
    now = taking_turns(policy)
    assert policy.decide(now, Line(16, now - 0.017)) == Send(16)


def test_a_burst_is_cut_to_what_is_answered_within_the_objective() -> None:
    # 5 ms + 5 ms for each: 19 take the whole 100 ms, 20 would make all of them late.
    assert sleeping().decide(0.0, Line(100, 0.0)) == Send(19)


def test_of_a_queue_only_so_many_go_as_came_late_enough_to_be_answered_in_time() -> None:
    # 18 in 81 ms, one each 4.5 ms: the last 10 came within 45 ms and take 55 ms.
    assert sleeping().decide(0.081, Line(18, 0.0, due=0.1)) == Send(10)


def test_once_the_objective_is_lost_the_deadline_decides_the_size() -> None:
    policy = sleeping()
    assert policy.decide(1.0, Line(200, 0.0)) == Send(128)
    assert policy.decide(1.0, Line(200, 0.0, due=1.255)) == Send(50)


def test_before_anything_is_known_all_goes() -> None:
    assert Adaptive(128, 0.1).decide(0.0, Line(500, 0.0)) == Send(128)


def test_no_batch_is_larger_than_twice_the_largest_seen() -> None:
    policy = Adaptive(128, 0.1)
    policy.finished(0.0, 1, 0.017)
    sizes = []
    for step in range(9):
        decision = policy.decide(float(step), Line(500, float(step)))
        assert isinstance(decision, Send)
        sizes.append(decision.count)
        policy.finished(step + 0.5, decision.count, 0.017)
    assert sizes == [2, 4, 8, 16, 32, 64, 128, 128, 128]


def test_an_objective_that_no_batch_can_meet_does_not_make_batches_small() -> None:
    assert forest(objective=0.01).decide(0.0, Line(100, 0.0)) == Send(100)


def test_an_item_is_hopeless_if_its_batch_takes_longer_than_its_deadline_leaves() -> None:
    policy = sleeping()
    policy.finished(1.0, 1, 0.010)
    assert not policy.hopeless(1.0, 1.0101)
    assert policy.hopeless(1.0, 1.0099)
    assert policy.hopeless(1.0, 1.05, 10)
    assert not policy.hopeless(1.0, 1.0551, 10)


def test_a_fresh_policy_finds_nothing_hopeless_but_what_is_past_its_deadline() -> None:
    policy = Adaptive(128, 0.1)
    assert not policy.hopeless(1.0, 1.0)
    assert policy.hopeless(1.0, 0.9)


def test_a_worker_idle_for_a_while_tries_one_item_whatever_it_is_predicted_to_take() -> None:
    policy = sleeping()
    for moment in range(30):
        policy.finished(float(moment), 1, 1.0)
    assert policy.hopeless(29.9, 30.4)
    assert policy.hopeless(30.5, 31.0, 2)
    assert not policy.hopeless(30.5, 31.0)
    assert policy.hopeless(31.1, 31.0)


def test_items_are_answered_in_as_many_batches_as_they_need() -> None:
    policy = warm(0.005, 0.005, max_batch_size=8)
    assert policy.compute(8) == pytest.approx(0.045)
    assert policy.answered(0, 1) == pytest.approx(0.010)
    assert policy.answered(7, 1) == pytest.approx(0.045)
    assert policy.answered(8, 1) == pytest.approx(0.055)
    assert policy.answered(16, 0) == pytest.approx(0.090)


def test_nothing_is_predicted_of_what_is_not_known() -> None:
    assert Adaptive(8, 0.1).answered(100, 1) == 0
    assert Greedy(1).answered(100, 1) == 0


def test_greedy_predicts_what_those_ahead_take_and_never_an_items_own_time() -> None:
    policy = Greedy(1)
    policy.finished(0.0, 1, 2.0)
    assert policy.compute(1) == 2
    assert policy.answered(0, 1) == 0
    assert policy.answered(2, 1) == 4
    assert not policy.hopeless(0.0, 1.0)


def test_two_policies_told_the_same_decide_the_same() -> None:
    decisions = []
    for policy in (forest(), forest()):
        now = taking_turns(policy)
        decisions.append([policy.decide(now, Line(n, now - 0.01)) for n in (16, 20, 32)])
    assert decisions[0] == decisions[1]


# --- where it computes ---------------------------------------------------------------------------


def test_a_batch_is_short_that_is_known_to_take_less_than_a_thread_is_worth() -> None:
    light = warm(0.0003, 0.00002)
    assert light.short(1)
    assert light.short(64)
    assert not light.short(100)  # 2.3 ms
    assert not forest().short(1)


def test_nothing_is_short_of_which_nothing_is_known() -> None:
    assert not Adaptive(128, 0.1).short(1)
    assert not Greedy(1).short(1)
    policy = Adaptive(128, 0.1)
    policy.prior([(1, 0.0003)])
    assert policy.short(2)
    assert not policy.short(3)  # more than twice the largest that was seen


def test_after_a_batch_that_was_anything_but_short_none_is_for_a_while() -> None:
    policy = warm(0.0003, 0.00002)
    policy.finished(1.0, 1, 20 * SHORT_BATCH)
    found = []
    for turn in range(150):
        found.append(policy.short(1))
        policy.finished(2.0 + turn, 1, 0.0003)
    assert not any(found[:100])
    assert all(found[100:])


def test_a_batch_a_little_longer_than_expected_is_no_surprise() -> None:
    policy = warm(0.0003, 0.00002)
    policy.finished(1.0, 1, 2 * SHORT_BATCH)
    assert policy.short(1)
