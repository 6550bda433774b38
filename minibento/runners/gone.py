"""Calls whose callers left while a worker computed them: what is kept of each; knows no worker."""

from typing import NamedTuple

from minibento.runners.pending import Pending
from minibento.runners.refusals import digest
from minibento.wire.ledger import Computing

__all__ = ["Gone", "GoneCalls"]


class Gone(NamedTuple):
    """One of them.

    Attributes:
        method: Its method.
        digest: Of what it was given.
        alone: Whether it was sent to compute alone, as a suspect.
        many: Whether it was a call of many items.
    """

    method: str
    digest: str
    alone: bool
    many: bool


class GoneCalls:
    """Those at one worker: an item whose caller has gone may still end the worker."""

    def __init__(self) -> None:
        self._calls: dict[int, Gone] = {}

    def note(self, pending: Pending, computing: Computing | None) -> None:
        """A caller leaves; `computing`: what the worker is at now."""
        call = pending.call
        if computing is None or call.id not in computing.ids or pending.begun:
            return
        self._calls = {one: gone for one, gone in self._calls.items() if one in computing.ids}
        # Now, and not later: the caller may use its buffers again.
        self._calls[call.id] = Gone(call.method, digest(call), call.alone, call.count is not None)

    def among(self, computing: Computing | None) -> list[Gone]:
        """Those that the worker was at."""
        ids = frozenset() if computing is None else computing.ids
        return [gone for one, gone in self._calls.items() if one in ids]
