"""What becomes of a call whose worker was lost: a pure decision; sends nothing."""

from enum import Enum, auto

from minibento.runners.gone import Gone
from minibento.runners.pending import Pending
from minibento.wire.ledger import Begun, Computing

__all__ = ["Verdict", "verdict", "verdict_on_gone", "verdict_once"]


class Verdict(Enum):
    """What is done with one outstanding call."""

    INNOCENT = auto()  # it was not computing: another worker takes it
    SUSPECT = auto()  # it may have ended the worker: it goes again, but alone
    POISONOUS = auto()  # it was alone when a worker died, and had been there when one died before
    DIED = auto()  # it may not be done again


def verdict(pending: Pending, computing: Computing | None) -> Verdict:
    """Judge one call of a method that may run again for the same item.

    SUSPECT and POISONOUS are meant for the case that the process has ended.

    Args:
        pending: It was not answered when the worker went.
        computing: What the worker was at; None: nothing.
    """
    if pending.begun:
        return Verdict.DIED
    call = pending.call
    if computing is None or not (computing.all_ or call.id in computing.ids):
        return Verdict.INNOCENT
    if call.alone and _was_alone(computing, many=call.count is not None):
        return Verdict.POISONOUS
    # The first death of a call that happened to be alone proves nothing: somebody may have killed
    # the worker from outside.
    return Verdict.SUSPECT


def verdict_once(pending: Pending, begun: Begun | None) -> Verdict:
    """Judge one call of a method that may not: its answer may have been on the way.

    Args:
        pending: It was not answered when the worker went.
        begun: Such calls with which the worker had begun; None: none.
    """
    done = pending.begun or (begun is not None and pending.call.id in begun)
    return Verdict.DIED if done else Verdict.INNOCENT


def verdict_on_gone(gone: Gone, computing: Computing) -> Verdict:
    """Judge a call that may be repeated, whose caller had gone and whose worker died at it."""
    if gone.alone and _was_alone(computing, gone.many):
        return Verdict.POISONOUS
    return Verdict.SUSPECT


def _was_alone(computing: Computing, many: bool) -> bool:
    """Whether the batch held this one call; the items of a call of many travel together."""
    return not computing.all_ and (computing.total == 1 or (many and len(computing.ids) == 1))
