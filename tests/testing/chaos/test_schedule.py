"""What is done when: by the seed alone."""

from collections import Counter

from minibento.testing.chaos.schedule import Action, schedule

ACTIONS = [Action("kill", "runner-worker"), Action("kill", "api-worker"), Action("flood")]


def test_the_same_seed_makes_the_same_schedule_and_another_another() -> None:
    assert schedule(ACTIONS, 60, 5, 7) == schedule(ACTIONS, 60, 5, 7)
    assert schedule(ACTIONS, 60, 5, 7) != schedule(ACTIONS, 60, 5, 8)


def test_every_action_has_its_turn_as_often_as_every_other() -> None:
    events = schedule(ACTIONS, 50, 5, 1)
    assert [event.at for event in events] == [5 * number for number in range(1, 10)]
    assert set(Counter(event.action for event in events).values()) == {3}


def test_no_event_is_so_late_that_its_window_is_cut() -> None:
    assert schedule(ACTIONS, 9, 5, 1) == []
    assert [event.at for event in schedule(ACTIONS, 10, 5, 1)] == [5]


def test_an_action_is_told_in_words() -> None:
    assert [str(one) for one in ACTIONS] == ["kill runner-worker", "kill api-worker", "flood"]
