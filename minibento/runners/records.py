"""Writes into each caller's ledger which of its calls a worker computes; knows no model."""

from collections.abc import Sequence

from minibento.batching.queue import Entry
from minibento.wire.ledger import Ledger

__all__ = ["Records"]


class Records:
    """The ledgers of a worker's connections; without any it costs next to nothing."""

    def __init__(self) -> None:
        self._open: set[Ledger] = set()
        self._written: list[Ledger] = []

    def open(self, ledger: Ledger) -> None:
        """A connection that has a ledger begins."""
        self._open.add(ledger)

    def close(self, ledger: Ledger) -> None:
        """That connection is lost; its ledger may not be touched again."""
        self._open.discard(ledger)

    def began(self, batch: Sequence[Entry]) -> None:
        """A batch is about to compute: whoever is left if it ends the process must know of it."""
        if not self._open:
            return
        # A call of many items is there once.
        calls: dict[Ledger, set[int]] = {}
        once = False  # Of one batch all or none: they are of one method.
        for entry in batch:
            if entry.origin is not None:
                ledger, call_id, once = entry.origin
                calls.setdefault(ledger, set()).add(call_id)
        for ledger, ids in calls.items():
            if ledger in self._open:
                if once:
                    ledger.begin_once(ids)
                ledger.begin(ids, len(batch))
                self._written.append(ledger)

    def ended(self) -> None:
        """The batch has ended."""
        for ledger in self._written:
            if ledger in self._open:
                ledger.end()
        self._written.clear()
