"""What user code counts with prometheus_client, told by one process of several."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from prometheus_client import REGISTRY, Counter, Enum, Gauge, Histogram, Info, Metric, Summary
from prometheus_client.core import GaugeHistogramMetricFamily, SummaryMetricFamily
from prometheus_client.registry import Collector

from minibento.metrics import Family
from minibento.user_metrics import user_families

PID = str(os.getpid())


def told(name: str, inherited: list[Family] | None = None) -> Family:
    (found,) = [family for family in user_families(inherited or ()) if family["name"] == name]
    assert found == json.loads(json.dumps(found))
    return found


@pytest.fixture(autouse=True)
def _registry_as_before() -> Iterator[None]:
    before = set(REGISTRY._collector_to_names)
    yield
    for collector in set(REGISTRY._collector_to_names) - before:
        REGISTRY.unregister(collector)


def test_a_counter_is_told_under_its_name_in_the_text() -> None:
    counter = Counter("um_paid", "Paid.", ["kind"])
    counter.labels("card").inc(2)
    expected: Family = {
        "name": "um_paid_total",
        "kind": "counter",
        "text": "Paid.",
        "labels": ["kind"],
        "bounds": [],
        "series": [[["card"], 2.0]],
    }
    assert told("um_paid_total") == expected


def test_a_gauge_is_of_its_process() -> None:
    Gauge("um_room", "Room.", ["where"]).labels("up").set(4)
    family = told("um_room")
    assert family["labels"] == ["where", "pid"]
    assert family["series"] == [[["up", PID], 4.0]]


def test_a_gauge_that_has_a_pid_of_its_own_keeps_it() -> None:
    Gauge("um_other", "Other.", ["pid"]).labels("7").set(1)
    assert told("um_other")["labels"] == ["pid", "worker_pid"]


@pytest.mark.parametrize("mode", ["sum", "livesum", "min", "livemin", "max", "livemax"])
def test_a_gauge_declared_to_be_merged_says_how(mode: str) -> None:
    Gauge("um_merged", "Merged.", multiprocess_mode=mode).set(4)  # type: ignore[arg-type]  # a literal
    family = told("um_merged")
    assert family["merge"] == mode.removeprefix("live")
    assert family["series"] == [[[], 4.0]]


def test_a_histogram_is_told_by_what_each_bucket_alone_has() -> None:
    histogram = Histogram("um_took", "Took.", ["api"], unit="seconds", buckets=(1, 2))
    for number in (0.5, 1.5, 1.7, 9):
        histogram.labels("add").observe(number)
    family = told("um_took_seconds")
    assert family["unit"] == "seconds"
    assert family["bounds"] == [1.0, 2.0]
    assert family["series"] == [[["add"], {"counts": [1.0, 2.0, 1.0], "total": 12.7}]]


def test_a_histogram_with_bounds_below_zero_has_no_total() -> None:
    Histogram("um_below", "Below.", buckets=(-1, 1)).observe(0)
    assert told("um_below")["series"] == [[[], {"counts": [0.0, 1.0, 0.0], "total": None}]]


def test_a_summary_is_told_without_quantiles() -> None:
    Summary("um_sum", "Sum.").observe(3)

    class Quantiles(Collector):
        def collect(self) -> list[Metric]:
            family = SummaryMetricFamily("um_q", "Q.", labels=["x"])
            family.add_metric(["a"], 2, 5.0)
            family.add_sample("um_q", {"x": "a", "quantile": "0.5"}, 2.5)
            return [family]

    REGISTRY.register(Quantiles())
    assert told("um_sum")["series"] == [[[], {"count": 1.0, "total": 3.0}]]
    assert told("um_q")["series"] == [[["a"], {"count": 2.0, "total": 5.0}]]


def test_an_info_an_enum_and_a_gauge_histogram_are_told() -> None:
    Info("um_build", "Build.").info({"version": "1"})
    Enum("um_state", "State.", states=["up", "down"]).state("down")

    class Buckets(Collector):
        def collect(self) -> list[Metric]:
            buckets = [("1.0", 2.0), ("+Inf", 3.0)]
            return [GaugeHistogramMetricFamily("um_gh", "G.", buckets, 7.0)]

    REGISTRY.register(Buckets())
    info, state, gauge_histogram = told("um_build"), told("um_state"), told("um_gh")
    assert (info["kind"], info["labels"], info["series"]) == ("info", ["version"], [[["1"], 1.0]])
    assert state["kind"] == "stateset"
    assert state["series"] == [[["up", PID], 0.0], [["down", PID], 1.0]]
    assert gauge_histogram["series"] == [[[PID], {"counts": [2.0, 1.0], "total": 7.0}]]


def test_what_the_parent_counted_before_the_fork_is_not_counted_again() -> None:
    counter = Counter("um_loads", "Loads.", ["of"])
    counter.labels("model").inc(3)
    histogram = Histogram("um_load", "Load.", buckets=(1,))
    histogram.observe(0.5)
    gauge = Gauge("um_size", "Size.")
    gauge.set(9)
    inherited = user_families()
    counter.labels("model").inc()
    counter.labels("table").inc(5)
    histogram.observe(2)
    series = told("um_loads_total", inherited)["series"]
    assert series == [[["model"], 1.0], [["table"], 5.0]]
    assert told("um_load", inherited)["series"] == [[[], {"counts": [0.0, 1.0], "total": 2.0}]]
    assert told("um_size", inherited)["series"] == [[[PID], 9.0]]


def test_the_librarys_own_are_of_each_process_or_added_up_or_told_once() -> None:
    assert told("process_resident_memory_bytes")["labels"] == ["pid"]
    assert told("process_cpu_seconds_total")["labels"] == []
    assert told("python_gc_collections_total")["labels"] == ["generation"]
    info = told("python_info")
    assert (info["merge"], "pid" in info["labels"]) == ("max", False)


def test_a_collector_that_fails_does_not_keep_the_others_from_being_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Failing(Collector):
        def collect(self) -> list[Metric]:
            raise OSError("the disk is gone")

        def describe(self) -> list[Metric]:
            return []

    Counter("um_before", "Before.").inc()
    REGISTRY.register(Failing())
    with caplog.at_level(logging.ERROR, "minibento"):
        assert told("um_before_total")["series"] == [[[], 1.0]]
    assert "the disk is gone" in caplog.text


def test_a_process_that_does_not_use_prometheus_client_does_not_load_it() -> None:
    code = """
import sys
from minibento.user_metrics import user_families
print(user_families(), "prometheus_client" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] False"
