"""What user code counts with prometheus_client, as plain families; knows no text and no merging.

prometheus_client is not imported for it: a process whose code does not use it has nothing to tell.

Left out, as in prometheus_client's own multi-process mode: exemplars, the time at which a series
was created, quantiles of summaries (there is no way to add up any of them).
"""

import logging
import os
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from minibento.metrics import Family

if TYPE_CHECKING:
    from prometheus_client import Metric
    from prometheus_client.samples import Sample

__all__ = ["user_families"]

_LOG = logging.getLogger("minibento")
# Each process has one of its own: adding them up would say nothing.
_OF_ONE_PROCESS = {"gauge", "gaugehistogram", "stateset", "unknown"}
_ADDED_UP = {"counter", "histogram", "summary"}
_ADDED_UP_GAUGES: dict[str, Literal["sum", "min", "max"]] = {
    "sum": "sum", "livesum": "sum", "min": "min", "livemin": "min", "max": "max", "livemax": "max",
}  # fmt: skip


def user_families(inherited: Sequence[Family] = ()) -> list[Family]:
    """All of prometheus_client's default registry, as one of several processes tells it.

    A gauge has the label `pid`, unless it was declared with a `multiprocess_mode` of sum, min or
    max (`mostrecent` is taken as the default, `all`: no time is kept). What the library itself
    registers follows the same rules: `process_resident_memory_bytes` and its like are told of each
    process, `process_cpu_seconds_total` and `python_gc_*` are added up; `python_info`, the same
    everywhere, is told once.

    Args:
        inherited: What this function returned just after the process was forked: its counts are
            the parent's and not counted again.
    """
    if "prometheus_client" not in sys.modules:
        return []
    modes = _modes()
    families = [_family(metric, modes) for metric in _collected()]
    before = {family["name"]: family for family in inherited}
    for family in families:
        if family["kind"] in _ADDED_UP and family["name"] in before:
            _subtract(family, before[family["name"]])
    return families


def _collected() -> list["Metric"]:
    from prometheus_client import REGISTRY

    found = []
    try:
        for metric in REGISTRY.collect():
            found.append(metric)  # noqa: PERF402  # those before one that fails are kept
    except Exception:  # noqa: BLE001  # user code must not keep our own numbers back
        _LOG.exception("a collector registered with prometheus_client failed")
    return found


def _modes() -> dict[str, str]:
    """`multiprocess_mode` of each gauge that has one; the library has no public way to ask."""
    from prometheus_client import REGISTRY

    collectors: Iterable[Any] = list(getattr(REGISTRY, "_collector_to_names", ()))
    return {
        getattr(collector, "_name", ""): getattr(collector, "_multiprocess_mode", "all")
        for collector in collectors
    }


def _family(metric: "Metric", modes: dict[str, str]) -> Family:
    rows = _rows(metric)
    names = list(dict.fromkeys(name for labels, _ in rows for name in labels))
    bounds = sorted({bound for _, cell in rows if isinstance(cell, _Buckets) for bound in cell.by})
    family: Family = {
        "name": metric.name + ("_total" if metric.type == "counter" else ""),
        "kind": metric.type,
        "text": metric.documentation,
        "labels": names,
        "bounds": [bound for bound in bounds if bound != float("inf")],
        "series": [],
    }
    family["series"] = [
        [
            [labels.get(name, "") for name in names],
            cell.plain(family) if isinstance(cell, _Buckets) else cell,
        ]
        for labels, cell in rows
    ]
    if metric.unit:
        family["unit"] = metric.unit
    _say_how_to_merge(family, modes.get(metric.name, "all"))
    return family


def _say_how_to_merge(family: Family, mode: str) -> None:
    if family["name"] == "python_info":
        mode = "max"
    if mode in _ADDED_UP_GAUGES:
        family["merge"] = _ADDED_UP_GAUGES[mode]
    elif family["kind"] in _OF_ONE_PROCESS:
        # A label said twice would make the reader refuse the whole page.
        family["labels"].append("worker_pid" if "pid" in family["labels"] else "pid")
        for labels, _ in family["series"]:
            labels.append(str(os.getpid()))


class _Buckets:
    """A histogram or summary of which the samples come one by one."""

    def __init__(self) -> None:
        self.by: dict[float, float] = {}
        self.count = 0.0
        self.total: float | None = None

    def plain(self, family: Family) -> dict[str, Any]:
        """The cell for this family: the count in all, or in each bucket alone."""
        if family["kind"] == "summary":
            return {"count": self.count, "total": self.total}
        counts, last = [], 0.0
        for bound in [*family["bounds"], float("inf")]:
            upto = self.by.get(bound, last)
            counts.append(upto - last)
            last = upto
        return {"counts": counts, "total": self.total}


def _rows(metric: "Metric") -> list[tuple[dict[str, str], Any]]:
    """Labels and cell of each series, in the order they come in."""
    if metric.type not in {"histogram", "gaugehistogram", "summary"}:
        return [
            (dict(sample.labels), float(sample.value))
            for sample in metric.samples
            if not sample.name.endswith("_created") or metric.type != "counter"
        ]
    rows: dict[tuple[tuple[str, str], ...], tuple[dict[str, str], _Buckets]] = {}
    for sample in metric.samples:
        labels = {key: text for key, text in sample.labels.items() if key not in {"le", "quantile"}}
        _, buckets = rows.setdefault(tuple(sorted(labels.items())), (labels, _Buckets()))
        _put(buckets, sample, sample.name.removeprefix(metric.name))
    return list(rows.values())


def _put(buckets: _Buckets, sample: "Sample", suffix: str) -> None:
    if suffix == "_bucket":
        buckets.by[float(sample.labels["le"])] = sample.value
    elif suffix in {"_sum", "_gsum"}:
        buckets.total = sample.value
    elif suffix in {"_count", "_gcount"}:
        buckets.count = sample.value


def _subtract(family: Family, before: Family) -> None:
    if (family["labels"], family["bounds"]) != (before["labels"], before["bounds"]):
        return
    known = {tuple(labels): cell for labels, cell in before["series"]}
    for row in family["series"]:
        if tuple(row[0]) in known:
            row[1] = _less(row[1], known[tuple(row[0])])


def _less(cell: Any, before: Any) -> Any:
    if isinstance(cell, dict):
        return {key: _less(part, before[key]) for key, part in cell.items()}
    if isinstance(cell, list):
        return [_less(*pair) for pair in zip(cell, before, strict=True)]
    return None if cell is None or before is None else max(0.0, cell - before)
