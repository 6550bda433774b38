"""Numbers of many processes as one set."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from minibento.metrics import Family, Metrics
from minibento.processes.totals import Totals


def family(name: str, kind: str, series: dict[str, Any], **more: Any) -> Family:
    """A family with one label, `api`."""
    rows = [[[label], cell] for label, cell in series.items()]
    made: Any = {"name": name, "kind": kind, "text": "T.", "labels": ["api"], "bounds": []}
    made |= {"series": rows, **more}
    known: Family = made
    return known


def cells(totals: Totals, name: str) -> dict[tuple[str, ...], Any]:
    (found,) = [known for known in totals.merged() if known["name"] == name]
    return {tuple(labels): cell for labels, cell in found["series"]}


def test_counters_of_processes_are_added_up() -> None:
    totals = Totals()
    totals.report("a", [family("n_total", "counter", {"x": 2, "y": 1})])
    totals.report("b", [family("n_total", "counter", {"x": 3})])
    totals.report("b", [family("n_total", "counter", {"x": 5})])
    assert cells(totals, "n_total") == {("x",): 7, ("y",): 1}


def test_a_dead_process_leaves_its_counts_and_takes_its_gauges_along() -> None:
    totals = Totals()
    histogram = family("h", "histogram", {"x": {"counts": [1, 2], "total": 4.0}}, bounds=[1.0])
    for process in "ab":
        counter, gauge = family("n_total", "counter", {"x": 2}), family("g", "gauge", {"x": 3})
        totals.report(process, [counter, gauge, histogram])
    totals.gone("a")
    assert cells(totals, "n_total") == {("x",): 4}
    assert cells(totals, "g") == {("x",): 3}
    totals.gone("b")
    totals.gone("b")
    assert cells(totals, "h") == {("x",): {"counts": [2, 4], "total": 8.0}}
    assert [known["name"] for known in totals.merged()] == ["n_total", "h"]


def test_the_dead_take_no_more_room_however_many_they_were() -> None:
    totals = Totals()
    for process in range(500):
        totals.report(process, [family("n_total", "counter", {"x": 1})])
        totals.gone(process)
    assert cells(totals, "n_total") == {("x",): 500}
    assert len(totals._dead) == 1
    assert not totals._live


def test_an_older_snapshot_takes_no_count_back() -> None:
    totals = Totals()
    new = {"counts": [3, 1], "total": 9.0}
    totals.report("a", [family("n_total", "counter", {"x": 9})])
    totals.report("a", [family("n_total", "counter", {"x": 4, "y": 1})])
    assert cells(totals, "n_total") == {("x",): 9, ("y",): 1}
    totals.report("a", [family("h", "histogram", {"x": new}, bounds=[1.0])])
    old = {"counts": [2, 1], "total": 8.0}
    totals.report("a", [family("h", "histogram", {"x": old}, bounds=[1.0])])
    assert cells(totals, "h") == {("x",): new}
    assert cells(totals, "n_total") == {("x",): 9, ("y",): 1}  # not in the snapshot at all


def test_a_gauge_that_is_no_longer_reported_is_gone() -> None:
    totals = Totals()
    totals.report("a", [family("g", "gauge", {"x": 3, "y": 1})])
    totals.report("a", [family("g", "gauge", {"x": 2})])
    assert cells(totals, "g") == {("x",): 2}
    totals.report("a", [])
    assert totals.merged() == []


def test_gauges_are_merged_as_they_say() -> None:
    totals = Totals()
    for process, number in (("a", 2), ("b", 5)):
        merges = ("min", "max", "sum")
        reported = [family(merge, "gauge", {"x": number}, merge=merge) for merge in merges]
        totals.report(process, [*reported, family("i", "info", {"x": 1})])
    found = [cells(totals, name)["x",] for name in ("min", "max", "sum", "i")]
    assert found == [2, 5, 7, 1]


def test_a_histogram_with_other_bounds_is_sorted_into_those_known_first() -> None:
    totals = Totals()
    first = {"counts": [1, 1, 1], "total": 5.0}
    other = {"counts": [1, 2, 4, 8], "total": 100.0}
    totals.report("a", [family("h", "histogram", {"x": first}, bounds=[1.0, 4.0])])
    totals.report("b", [family("h", "histogram", {"x": other}, bounds=[0.5, 2.0, 8.0])])
    expected = {("x",): {"counts": [2, 3, 13], "total": 105.0}}
    assert cells(totals, "h") == expected
    totals.gone("b")
    totals.gone("a")
    assert cells(totals, "h") == expected
    assert totals.merged()[0]["bounds"] == [1.0, 4.0]


def test_a_histogram_without_series_does_not_decide_on_bounds() -> None:
    totals = Totals()
    cell = {"counts": [1, 2], "total": 3.0}
    totals.report("a", [family("h", "histogram", {}, bounds=[7.0, 8.0, 9.0])])
    totals.report("b", [family("h", "histogram", {"x": cell}, bounds=[1.0])])
    (merged,) = totals.merged()
    assert (merged["bounds"], merged["series"]) == ([1.0], [[["x"], cell]])


def test_other_label_names_under_one_name_do_not_crash_the_merge() -> None:
    totals = Totals()
    totals.report("a", [family("n_total", "counter", {"x": 1})])
    old: Any = family("n_total", "counter", {})
    old |= {"labels": ["status", "api"], "series": [[["200", "x"], 2], [["", "x"], 4]]}
    totals.report("b", [old])
    (merged,) = totals.merged()
    assert merged["labels"] == ["api", "status"]
    assert merged["series"] == [[["x", ""], 5], [["x", "200"], 2]]


def test_another_kind_under_one_name_is_left_out() -> None:
    totals = Totals()
    totals.report("a", [family("n", "counter", {"x": 1})])
    totals.report("b", [family("n", "gauge", {"x": 5})])
    totals.report("c", [family("n", "histogram", {"x": {"counts": [1], "total": 1}})])
    assert cells(totals, "n") == {("x",): 1}
    for process in "abc":
        totals.gone(process)
    assert cells(totals, "n") == {("x",): 1}


def test_summaries_and_histograms_without_total_are_added_up() -> None:
    totals = Totals()
    for process in "ab":
        summary = family("s", "summary", {"x": {"count": 2, "total": 1.5}})
        lacking = family("h", "histogram", {"x": {"counts": [1, 0], "total": None}}, bounds=[1.0])
        totals.report(process, [summary, lacking])
    assert cells(totals, "s") == {("x",): {"count": 4, "total": 3.0}}
    assert cells(totals, "h") == {("x",): {"counts": [2, 0], "total": None}}


def test_the_supervisors_own_metrics_come_first() -> None:
    totals = Totals()
    totals.report("a", [family("n_total", "counter", {"x": 1})])
    totals.own.counter("restarts_total", "R.", ("role",)).value("api-worker").add()
    assert [known["name"] for known in totals.merged()] == ["restarts_total", "n_total"]
    assert cells(totals, "restarts_total") == {("api-worker",): 1}


def test_what_is_merged_changes_nothing_that_is_kept() -> None:
    totals = Totals()
    for process in "ab":
        totals.report(process, [family("n_total", "counter", {"x": 1})])
        totals.gone(process)
        totals.report(process, [family("n_total", "counter", {"x": 1})])
    assert totals.merged() == totals.merged()
    assert totals.merged() == json.loads(json.dumps(totals.merged()))


events = st.lists(
    st.tuples(st.sampled_from("abc"), st.booleans(), st.integers(0, 9), st.lists(st.floats(0, 9))),
    max_size=30,
)


@given(events)
def test_no_count_ever_goes_back(happened: list[tuple[str, bool, int, list[float]]]) -> None:
    totals, before = Totals(), {"n": 0.0, "h": 0.0}
    for process, dies, count, observed in happened:
        metrics = Metrics()
        metrics.counter("n", "N.").value().add(count)
        # Every process has other bounds.
        cell = metrics.histogram("h", "H.", (), range(1, ord(process) - 94)).histogram()
        for number in observed:
            cell.observe(number)
        totals.report(process, metrics.snapshot())
        if dies:
            totals.gone(process)
        now = {"n": cells(totals, "n")[()], "h": sum(cells(totals, "h")[()]["counts"])}
        assert now["n"] >= before["n"]
        assert now["h"] >= before["h"]
        before = now
