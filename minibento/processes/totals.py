"""One set of metric families from those of many processes, living and dead; knows no Prometheus."""

from bisect import bisect_left
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from minibento.metrics import Family, Metrics

__all__ = ["Totals"]

_NO_BOUND = float("inf")
# What counts up: kept when its process has gone, and never lower than it was.
_COUNTED = {"counter", "histogram", "summary"}
# How the cells of two processes become one where they are not added up.
_MERGED: dict[str, Callable[[float, float], float]] = {"min": min, "max": max}


class Totals:
    """What the server as a whole counts.

    Attributes:
        own: The supervisor's own metrics, first in what is merged.
    """

    def __init__(self) -> None:
        self.own = Metrics()
        self._live: dict[Hashable, dict[str, _Sum]] = {}
        self._dead: dict[str, _Sum] = {}
        self._bounds: dict[str, list[float]] = {}

    def report(self, process: Hashable, snapshot: Sequence[Family]) -> None:
        """Take the latest of a living process: its gauges as they are, its counts if they rose.

        Args:
            process: Of this life of the process: whoever reports after `gone` is a new one.
        """
        before = self._live.get(process, {})
        # What is counted stays, also where the process has removed the series.
        now = {name: known for name, known in before.items() if known.kind in _COUNTED}
        for family in snapshot:
            latest = self._sum(family)
            known = now.get(family["name"])
            if known is not None and known.kind == latest.kind:
                latest.rise_from(known)
            now[family["name"]] = latest
        self._live[process] = now

    def gone(self, process: Hashable) -> None:
        """A process has ended: its counts stay for ever, its gauges go."""
        for name, last in self._live.pop(process, {}).items():
            if last.kind in _COUNTED:
                _put(self._dead, name, last)

    def merged(self) -> list[Family]:
        """The families of all; of several kinds under one name only one is told."""
        own = {family["name"]: self._sum(family) for family in self.own.snapshot()}
        result: dict[str, _Sum] = {}
        for source in (own, self._dead, *self._live.values()):
            for name, known in source.items():
                _put(result, name, known)
        return [known.plain() for known in result.values()]

    def _sum(self, family: Family) -> "_Sum":
        # The bounds first seen hold for good: a bucket must not shrink because its process died.
        name, bounds = family["name"], family["bounds"]
        if family["series"]:
            return _Sum(family, self._bounds.setdefault(name, bounds))
        return _Sum(family, self._bounds.get(name, bounds))


def _put(into: dict[str, "_Sum"], name: str, known: "_Sum") -> None:
    there = into.get(name)
    if there is None:
        into[name] = known.copy()
    elif there.kind == known.kind:
        there.add(known)


class _Sum:
    """A family whose series are found by their labels, in whatever order those are named."""

    def __init__(self, family: Family, bounds: list[float]) -> None:
        self.kind = family["kind"]
        self.head = family
        self.bounds = bounds
        self.labels = dict.fromkeys(family["labels"])
        merge = "max" if self.kind == "info" else family.get("merge", "sum")
        self.two = _MERGED.get(merge, _plus)
        self.cells: dict[tuple[tuple[str, str], ...], Any] = {}
        for values, cell in family["series"]:
            pairs = zip(family["labels"], values, strict=True)
            labels = tuple(sorted(pair for pair in pairs if pair[1]))
            if bounds != family["bounds"]:
                cell = _sorted_anew(cell, family["bounds"], bounds)  # noqa: PLW2901
            self.cells[labels] = cell

    def copy(self) -> "_Sum":
        """The same, to be added to."""
        other = object.__new__(_Sum)
        other.__dict__.update(self.__dict__)
        other.labels = dict(self.labels)
        other.cells = dict(self.cells)
        return other

    def add(self, other: "_Sum") -> None:
        """Take in the same family of another process."""
        self.labels |= other.labels
        self.bounds = self.bounds if self.cells else other.bounds
        for labels, cell in other.cells.items():
            mine = self.cells.get(labels)
            self.cells[labels] = cell if mine is None else _both(self.two, mine, cell)

    def rise_from(self, before: "_Sum") -> None:
        """Never be lower than this earlier state of the same process."""
        self.labels |= before.labels
        self.bounds = self.bounds if self.cells else before.bounds
        for labels, cell in before.cells.items():
            now = self.cells.get(labels)
            if now is None or _count(now) < _count(cell):
                self.cells[labels] = cell

    def plain(self) -> Family:
        """As processes tell each other."""
        series = [
            [[dict(labels).get(name, "") for name in self.labels], cell]
            for labels, cell in self.cells.items()
        ]
        return {
            **self.head,
            "labels": list(self.labels),
            "bounds": self.bounds,
            "series": series,
        }


def _plus(one: float, other: float) -> float:
    return one + other


def _both(two: Callable[[float, float], float], one: Any, other: Any) -> Any:
    if isinstance(one, dict):
        return {key: _both(two, part, other[key]) for key, part in one.items()}
    if isinstance(one, list):
        return [_both(two, *pair) for pair in zip(one, other, strict=True)]
    return None if one is None or other is None else two(one, other)


def _count(cell: Any) -> float:
    """How much a cell has counted."""
    if not isinstance(cell, dict):
        return float(cell)
    return float(cell["count"] if "count" in cell else sum(cell["counts"]))


def _sorted_anew(cell: Any, bounds: list[float], wanted: list[float]) -> Any:
    """A histogram's cell in other buckets: never in one whose bound it may have been above."""
    counts = [0.0] * (len(wanted) + 1)
    for bound, count in zip([*bounds, _NO_BOUND], cell["counts"], strict=True):
        counts[bisect_left(wanted, bound)] += count
    return {**cell, "counts": counts}
