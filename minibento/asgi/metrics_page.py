"""Metric families as Prometheus reads them; knows prometheus_client, no services."""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from itertools import accumulate
from typing import Any

from prometheus_client import REGISTRY, CollectorRegistry, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from minibento.metrics import Family, Metrics

__all__ = ["MetricsSource", "metrics_route"]

MetricsSource = Callable[[], Awaitable[list[Family]]]


def metrics_route(metrics: Metrics, source: MetricsSource | None = None) -> Route:
    """`/metrics`: the whole server's, from `source`.

    Without it this process's own, then all that user code counts in the default registry, with
    what cannot be told of several processes (exemplars, quantiles, times of creation).
    """

    async def page(request: Request) -> Response:
        encode, content_type = _encoder(request.headers.get("accept", ""))
        if source is None:
            # OpenMetrics text ends with a mark, which may come once.
            text = encode(_registry(metrics.snapshot())).removesuffix(b"# EOF\n")
            text += encode(REGISTRY)
        else:
            text = encode(_registry(await source()))
        return Response(text, headers={"content-type": content_type})

    return Route("/metrics", page)


def _encoder(accept: str) -> tuple[Callable[[CollectorRegistry], bytes], str]:
    try:
        return choose_encoder(accept)
    except (TypeError, ValueError):  # a version that is no number
        return choose_encoder("")


def _registry(families: Iterable[Family]) -> CollectorRegistry:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Plain(families))
    return registry


class _Plain(Collector):
    """The bridge from plain families to prometheus_client's exposition."""

    def __init__(self, families: Iterable[Family]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        """Every family."""
        return map(_metric, self._families)


def _metric(family: Family) -> Metric:
    kind = family["kind"]
    name = family["name"].removesuffix("_total") if kind == "counter" else family["name"]
    metric = Metric(name, family["text"], kind, family.get("unit", ""))
    for values, cell in family["series"]:
        labels = dict(zip(family["labels"], values, strict=True))
        for suffix, more, number in _samples(kind, cell, family["bounds"]):
            metric.add_sample(name + suffix, labels | more, number)
    return metric


_Sample = tuple[str, dict[str, str], float]


def _samples(kind: str, cell: Any, bounds: list[float]) -> Iterator[_Sample]:
    """Suffix, further labels and number of each line of one series."""
    if kind in {"histogram", "gaugehistogram"}:
        g = "g" if kind == "gaugehistogram" else ""
        yield from _buckets(cell["counts"], bounds)
        if cell["total"] is not None:
            yield f"_{g}count", {}, sum(cell["counts"])
            yield f"_{g}sum", {}, cell["total"]
    elif kind == "summary":
        yield "_count", {}, cell["count"]
        if cell["total"] is not None:
            yield "_sum", {}, cell["total"]
    else:
        yield {"counter": "_total", "info": "_info"}.get(kind, ""), {}, cell


def _buckets(counts: list[float], bounds: list[float]) -> Iterator[_Sample]:
    for bound, upto in zip([*bounds, float("inf")], accumulate(counts), strict=True):
        text: str = floatToGoString(bound)  # type: ignore[no-untyped-call]  # untyped library
        yield "_bucket", {"le": text}, upto
