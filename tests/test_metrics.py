"""What a process tells of its own numbers."""

import json

from minibento.metrics import Metrics


def test_a_snapshot_is_plain_data_with_every_family_and_series() -> None:
    metrics = Metrics()
    metrics.counter("asked_total", "Asked.", ("api",)).value("add").add(2)
    metrics.gauge("open", "Open.").value().set(3)
    metrics.histogram("size", "Size.", ("api",), (1, 2)).histogram("add").observe(1.5)
    metrics.counter("none_total", "Without series.")
    told = metrics.snapshot()
    assert told == json.loads(json.dumps(told))
    assert [family["name"] for family in told] == ["asked_total", "open", "size", "none_total"]
    assert told[0]["series"] == [[["add"], 2.0]]
    assert told[1]["series"] == [[[], 3.0]]
    assert told[2] == {
        "name": "size",
        "kind": "histogram",
        "text": "Size.",
        "labels": ["api"],
        "bounds": [1.0, 2.0],
        "series": [[["add"], {"counts": [0, 1, 0], "total": 1.5}]],
    }
    assert told[3]["series"] == []


def test_a_snapshot_does_not_change_with_what_is_counted_later() -> None:
    metrics = Metrics()
    cell = metrics.histogram("size", "Size.", (), (1,)).histogram()
    told = metrics.snapshot()
    cell.observe(0.5)
    assert told[0]["series"] == [[[], {"counts": [0, 0], "total": 0.0}]]
