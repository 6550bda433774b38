"""Numbers a process counts, as plain data; knows neither Prometheus's text nor who reads them.

Plain lists and dicts, because they are touched on the hot path (0.2 us an observation against
1 us for prometheus_client's own objects) and because a worker process will ship them to others as
they are. Not locked: each registry belongs to one event loop.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NotRequired, TypedDict

__all__ = [
    "BATCH_BUCKETS",
    "SECONDS_BUCKETS",
    "Family",
    "Histogram",
    "Metric",
    "Metrics",
    "Value",
]

SECONDS_BUCKETS = (
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
    0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
)  # fmt: skip
BATCH_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)

Kind = Literal["counter", "gauge", "histogram"]
Labels = tuple[str, ...]


class Family(TypedDict):
    """A family as JSON-able data, as processes tell each other.

    Attributes:
        name: As in the text; that of a counter ends with `_total`.
        kind: One of Prometheus' types: `counter`, `gauge`, `histogram`, `gaugehistogram`,
            `summary`, `info`, `stateset`, `unknown`.
        text: What it counts, for people.
        labels: Label names; each series has as many values, "" where it lacks one.
        bounds: Upper bounds of a histogram's buckets, rising; that without a bound is not among
            them.
        series: Pairs of label values and a cell: a number; of histograms `{"counts": [...],
            "total": x}` with one count more than bounds, each of its own bucket only; of a summary
            `{"count": n, "total": x}`. A total of None: none is kept.
        merge: What becomes of a gauge's series with equal labels in several processes; `sum` if
            it is not said.
        unit: For OpenMetrics.
    """

    name: str
    kind: str
    text: str
    labels: list[str]
    bounds: list[float]
    series: list[list[Any]]
    merge: NotRequired[Literal["sum", "min", "max"]]
    unit: NotRequired[str]


class Value:
    """One counter or gauge with its labels: `value.add(1)`, `value.set(0)`."""

    __slots__ = ("number",)

    def __init__(self) -> None:
        self.number = 0.0

    def add(self, amount: float = 1.0) -> None:
        """Add `amount`, negative for a gauge that falls."""
        self.number += amount

    def set(self, number: float) -> None:
        """Set a gauge."""
        self.number = number


class Histogram:
    """One histogram with its labels: `counts[i]` are those up to `bounds[i]`, the last the rest."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, number: float) -> None:
        """Count one observation."""
        self.counts[bisect_left(self.bounds, number)] += 1
        self.total += number


@dataclass(slots=True)
class Metric:
    """A named family: its help text, label names, and one Value or Histogram for each label set."""

    name: str
    kind: Kind
    text: str
    label_names: Labels
    bounds: Sequence[float] = ()
    series: dict[Labels, Value | Histogram] = field(default_factory=dict)

    def value(self, *labels: str) -> Value:
        """The counter or gauge with these label values, made at first use."""
        found = self.series.get(labels)
        if found is None:
            found = self.series[labels] = Value()
        assert isinstance(found, Value)
        return found

    def histogram(self, *labels: str) -> Histogram:
        """The histogram with these label values, made at first use."""
        found = self.series.get(labels)
        if found is None:
            found = self.series[labels] = Histogram(self.bounds)
        assert isinstance(found, Histogram)
        return found


class Metrics:
    """The families of one process, in the order they were declared."""

    def __init__(self) -> None:
        self._families: dict[str, Metric] = {}

    def counter(self, name: str, text: str, labels: Sequence[str] = ()) -> Metric:
        """Declare a counter, or return the one of that name."""
        return self._declare(Metric(name, "counter", text, tuple(labels)))

    def gauge(self, name: str, text: str, labels: Sequence[str] = ()) -> Metric:
        """Declare a gauge, or return the one of that name."""
        return self._declare(Metric(name, "gauge", text, tuple(labels)))

    def histogram(
        self,
        name: str,
        text: str,
        labels: Sequence[str] = (),
        bounds: Sequence[float] = SECONDS_BUCKETS,
    ) -> Metric:
        """Declare a histogram with these upper bounds, or return the one of that name."""
        return self._declare(Metric(name, "histogram", text, tuple(labels), bounds))

    def __iter__(self) -> Iterator[Metric]:
        return iter(self._families.values())

    def snapshot(self) -> list[Family]:
        """All that is counted at this moment, as plain data of its own."""
        return [_plain(metric) for metric in self]

    def _declare(self, metric: Metric) -> Metric:
        return self._families.setdefault(metric.name, metric)


def _plain(metric: Metric) -> Family:
    return {
        "name": metric.name,
        "kind": metric.kind,
        "text": metric.text,
        "labels": list(metric.label_names),
        "bounds": [float(bound) for bound in metric.bounds],
        "series": [[list(labels), _cell(cell)] for labels, cell in list(metric.series.items())],
    }


def _cell(cell: Value | Histogram) -> Any:
    if isinstance(cell, Value):
        return cell.number
    return {"counts": list(cell.counts), "total": cell.total}
