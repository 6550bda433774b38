"""What a dead worker's ledger says: what it was computing, or what was so just before."""

import os
from mmap import mmap

import pytest

from minibento.wire.ledger import LEDGER_BYTES, Computing, Ledger
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
    most = LEDGER_BYTES // 8 - 3
    worker.begin(range(most), most)
    assert caller.computing() == Computing(frozenset(range(most)), most)
    worker.begin(range(most + 1), most + 1)
    assert caller.computing() == Computing(frozenset(), most + 1, all_=True)
    worker.begin([7], 1)
    assert caller.computing() == Computing(frozenset({7}), 1)


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
