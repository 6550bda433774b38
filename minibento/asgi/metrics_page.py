"""A process's metrics as Prometheus reads them; knows prometheus_client, no services."""

from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate

from prometheus_client import REGISTRY, CollectorRegistry, Metric
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from minibento.metrics import Histogram, Metrics, Value
from minibento.metrics import Metric as Family

__all__ = ["metrics_route"]


def metrics_route(metrics: Metrics) -> Route:
    """`/metrics`: this process's own, then whatever user code counts in the default registry."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Ours(metrics))

    async def page(request: Request) -> Response:
        encode, content_type = _encoder(request.headers.get("accept", ""))
        texts = [encode(registry), encode(REGISTRY)]
        # OpenMetrics text ends with a mark, which may come once.
        first = texts[0].removesuffix(b"# EOF\n")
        return Response(first + texts[1], headers={"content-type": content_type})

    return Route("/metrics", page)


def _encoder(accept: str) -> tuple[Callable[[CollectorRegistry], bytes], str]:
    try:
        return choose_encoder(accept)
    except (TypeError, ValueError):  # a version that is no number
        return choose_encoder("")


class _Ours(Collector):
    """The bridge from our plain numbers to prometheus_client's exposition."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        """Every family, with what it counts at this moment."""
        for family in self._metrics:
            yield _family(family)


def _family(family: Family) -> Metric:
    names = family.label_names
    if family.kind == "histogram":
        histogram = HistogramMetricFamily(family.name, family.text, labels=names)
        for labels, cell in list(family.series.items()):
            assert isinstance(cell, Histogram)
            histogram.add_metric(labels, list(_buckets(cell)), cell.total)
        return histogram
    kind = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
    simple = kind(family.name, family.text, labels=names)
    for labels, cell in list(family.series.items()):
        assert isinstance(cell, Value)
        simple.add_metric(labels, cell.number)
    return simple


def _buckets(cell: Histogram) -> Iterator[tuple[str, float]]:
    counts = accumulate(cell.counts)
    for bound, count in zip([*map(float, cell.bounds), float("inf")], counts, strict=True):
        yield ("+Inf" if bound == float("inf") else repr(bound)), count
