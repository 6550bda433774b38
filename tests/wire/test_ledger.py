"""What a dead worker's ledger says: what it was computing, or what was so just before."""

import os
from mmap import mmap

import pytest

from minibento.wire.ledger import LEDGER_BYTES, Begun, Computing, Ledger
from minibento.wire.shared_memory import create


def ends() -> tuple[Ledger, Ledger]:
    """The worker's and the caller's, mapped twice."""
    descriptor = create("test", LEDGER_BYTES)
    try:
        return Ledger(mmap(descriptor, 0)), Ledger(mmap(descriptor, 0))
    finally:
        os.close(descriptor)


def test_a_fresh_ledger_is_idle() -> None:
    _, caller = ends()
    assert caller.computing() is None


def test_the_caller_reads_which_of_its_calls_were_in_the_batch() -> None:
    worker, caller = ends()
    worker.begin([3, 2**64 - 1], 5)
    assert caller.computing() == Computing(frozenset({3, 2**64 - 1}), 5)


def test_a_batch_of_other_callers_has_a_total_and_no_calls_of_ours() -> None:
    worker, caller = ends()
    worker.begin([1], 1)
    worker.end()
    worker.begin([], 8)
    assert caller.computing() == Computing(frozenset(), 8)


def test_after_the_end_it_is_idle() -> None:
    worker, caller = ends()
    worker.begin([1], 1)
    worker.end()
    assert caller.computing() is None


def test_more_calls_than_fit_may_all_have_been_in_the_batch() -> None:
    worker, caller = ends()
    most = LEDGER_BYTES // 16 - 4
    worker.begin(range(most), most)
    assert caller.computing() == Computing(frozenset(range(most)), most)
    worker.begin(range(most + 1), most + 1)
    assert caller.computing() == Computing(frozenset(), most + 1, all_=True)
    worker.begin([7], 1)
    assert caller.computing() == Computing(frozenset({7}), 1)


def test_what_may_not_begin_twice_stands_there_after_its_end_and_while_others_compute() -> None:
    worker, caller = ends()
    worker.begin_once([5, 3])
    worker.begin([5, 3], 2)
    worker.end()
    worker.begin([7], 1)
    begun = caller.begun_once()
    assert [call for call in range(1, 9) if call in begun] == [3, 5]
    assert caller.computing() == Computing(frozenset({7}), 1)


def test_so_many_of_those_that_some_are_forgotten_count_as_begun_up_to_the_last_of_them() -> None:
    worker, caller = ends()
    room = LEDGER_BYTES // 16
    for call in range(10, 10 + room, 2):
        worker.begin_once([call + 1, call])
    assert caller.begun_once() == Begun(frozenset(range(10, 10 + room)), 0)
    worker.begin_once([2000])
    assert caller.begun_once().forgotten == 11
    assert [call in caller.begun_once() for call in (9, 11, 12, 2000, 2001)] == [
        True, True, True, True, False,
    ]  # fmt: skip


class _Dead(Exception):
    """The writer dies here."""


class _DyingWords:
    """Stands in for a ledger's words: the writer dies before its write number `life`."""

    def __init__(self, words: "memoryview[int]", life: int) -> None:
        self._words = words
        self._life = life

    def __len__(self) -> int:
        return len(self._words)

    def __setitem__(self, place: int, value: int) -> None:
        if self._life == 0:
            raise _Dead
        self._life -= 1
        self._words[place] = value


@pytest.mark.parametrize("life", range(4))
def test_a_worker_that_dies_while_it_writes_never_misleads(life: int) -> None:
    worker, caller = ends()
    worker.begin([1, 2], 2)
    before = caller.computing()
    words = worker._words
    worker._words = _DyingWords(words, life)  # type: ignore[assignment]
    with pytest.raises(_Dead):
        worker.begin([5], 1)
    assert caller.computing() == (before if life == 0 else None)


def test_what_a_liar_writes_is_read_without_harm() -> None:
    worker, caller = ends()
    worker._words[0] = worker._words[1] = 2**64 - 1
    assert caller.computing() == Computing(frozenset(), 2**64 - 1, all_=True)
