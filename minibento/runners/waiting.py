"""Calls that wait for a worker at their caller's; the most urgent leaves first."""

from collections.abc import Iterator

from minibento.runners.pending import Pending

__all__ = ["Waiting"]


class Waiting:
    """A set of calls.

    Attributes:
        items: Those of all calls in it.
    """

    def __init__(self) -> None:
        self._calls: dict[int, Pending] = {}
        self.items = 0

    def __iter__(self) -> Iterator[Pending]:
        return iter(self._calls.values())

    def put(self, pending: Pending) -> None:
        """Let a call wait."""
        pending.place = self
        self._calls[pending.call.id] = pending
        self.items += pending.items

    def withdraw(self, pending: Pending) -> None:
        """Its caller has gone."""
        self.take(pending)

    def take(self, pending: Pending) -> bool:
        """Take out this call; False: it is not here, as its caller has gone."""
        here = self._calls.pop(pending.call.id, None) is not None
        if here:
            self.items -= pending.items
        return here

    def pop(self) -> Pending | None:
        """Take out the call with the nearest deadline; None: there is none."""
        if not self._calls:
            return None
        pending = min(self._calls.values(), key=lambda pending: pending.due)
        self.withdraw(pending)
        return pending

    def empty(self) -> list[Pending]:
        """Take out all calls, the most urgent first."""
        calls = sorted(self._calls.values(), key=lambda pending: pending.due)
        self._calls.clear()
        self.items = 0
        return calls
