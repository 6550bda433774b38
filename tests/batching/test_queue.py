import math
from typing import Any

from minibento.batching.policy import Greedy
from minibento.batching.queue import RETURN_SECONDS, Entry, Outcome, Queue


class Patient(Greedy):
    """Takes an item for hopeless a second before its deadline."""

    def hopeless(self, now: float, deadline: float, count: int = 1) -> bool:
        return now + count > deadline


def ignored(_: Outcome) -> None:
    pass


def queue_of(*entries: Entry) -> Queue:
    queue = Queue("m.predict", list, Patient(8), limit=8)
    for entry in entries:
        queue.put(entry)
    return queue


def entry(item: Any, key: str = "a", deadline: float | None = None, arrived: float = 0.0) -> Entry:
    made = Entry(item, key, deadline, ignored)
    made.arrived = arrived
    return made


def items(entries: list[Entry]) -> list[Any]:
    return [one.item for one in entries]


def test_the_first_items_of_one_key_go_and_the_others_keep_their_order() -> None:
    queue = queue_of(entry(1), entry(2, "b"), entry(3), entry(4, "b"), entry(5))
    batch, late = queue.take(3, now=0.0)
    assert (items(batch), late) == ([1, 3, 5], [])
    assert items(queue.take(3, now=0.0)[0]) == [2, 4]
    assert len(queue) == 0


def test_who_has_gone_is_not_counted_not_taken_and_not_asked_about() -> None:
    first, second = entry(1, deadline=1.0, arrived=1.0), entry(2, arrived=2.0)
    queue = queue_of(first, second, entry(3))
    queue.forget(first)
    queue.forget(first)
    assert (len(queue), queue.oldest, queue.due) == (2, 2.0, math.inf)
    assert items(queue.take(8, now=0.0)[0]) == [2, 3]


def test_an_item_that_cannot_meet_its_deadline_makes_room_for_the_next() -> None:
    queue = queue_of(entry(1, deadline=0.5), entry(2), entry(3, deadline=1.5))
    batch, late = queue.take(2, now=0.0)
    assert (items(batch), items(late)) == ([2], [1, 3])


def test_whether_an_item_is_too_late_is_asked_for_the_batch_as_it_will_be() -> None:
    queue = queue_of(entry(1, deadline=2.5), *(entry(n) for n in (2, 3)), entry(4, "b"))
    batch, late = queue.take(8, now=0.0)
    assert (items(batch), items(late)) == ([2, 3], [1])


def test_an_item_that_is_in_time_only_alone_goes_alone_where_nobody_else_can() -> None:
    queue = queue_of(*(entry(n, deadline=1.5) for n in (1, 2)))
    batch, late = queue.take(8, now=0.0)
    assert (items(batch), items(late)) == ([2], [1])


def test_where_all_are_too_late_for_a_large_batch_as_many_go_as_are_in_time() -> None:
    queue = queue_of(*(entry(n, deadline=3.5) for n in range(8)))
    batch, late = queue.take(8, now=0.0)
    assert (items(batch), items(late)) == ([5, 6, 7], [0, 1, 2, 3, 4])


def test_who_is_taken_back_makes_nobody_else_late_and_stacks_with_them() -> None:
    queue = queue_of(entry(1, deadline=1.5), entry(2, deadline=2.5), entry(3, deadline=3.5))
    batch, late = queue.take(4, now=0.0)
    assert (items(batch), items(late)) == ([2, 3], [1])
    queue = queue_of(*(entry(n, deadline=2.5) for n in range(3)), *(entry(n, "b") for n in (3, 4)))
    batch, late = queue.take(8, now=0.0)
    assert (items(batch), items(late)) == ([3, 4], [0, 1, 2])


def test_the_head_is_due_when_its_answer_has_to_set_off() -> None:
    assert queue_of(entry(1, deadline=1.0)).due == 1.0 - RETURN_SECONDS


def test_an_answer_needs_time_for_its_way_back() -> None:
    batch, late = queue_of(entry(1, deadline=1.0 + RETURN_SECONDS / 2)).take(8, now=0.0)
    assert (batch, items(late)) == ([], [1])
    batch, late = queue_of(entry(1, deadline=1.0 + RETURN_SECONDS)).take(8, now=0.0)
    assert (items(batch), late) == ([1], [])


def test_clearing_gives_back_those_still_wanted() -> None:
    gone = entry(1)
    queue = queue_of(gone, entry(2), entry(3))
    queue.forget(gone)
    assert items(queue.clear()) == [2, 3]
    assert len(queue) == 0
