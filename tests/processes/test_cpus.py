"""How CPUs are counted and shared."""

import os
from pathlib import Path
from typing import Any

import pytest

from minibento.config.settings import Config, RunnerSettings
from minibento.processes.cpus import Cpus, Share, Shares, available, chosen
from tests.processes.test_quota import V2, tree

DECLARED: dict[str, Any] = {"workers": 1, "threads": None}


def share(cpus: int, config: Config | None = None, **runners: dict[str, Any]) -> Shares:
    declared = {name: {**DECLARED, **one} for name, one in runners.items()}
    return chosen(config or Config(), declared, Cpus(cpus, "all of this machine"))


def test_a_quota_counts_in_whole_cpus_and_at_least_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    for quota, count in ((250, 2), (150, 1), (50, 1), (800, 8), (1600, 8)):
        root = tree(tmp_path / str(quota), "0::/", V2, {"cpu.max": f"{quota}000 100000"})
        assert available(root).count == count
    assert available(tmp_path / "250") == Cpus(2, "cgroup quota 2.5 of 8 CPUs")


def test_affinity_counts_where_no_quota_is_stricter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 5})
    assert available(tmp_path) == Cpus(2, "affinity 2 of 8 CPUs")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    assert available(tmp_path) == Cpus(8, "all of this machine")


def test_one_runner_gets_a_thread_for_each_cpu() -> None:
    shares = share(4, model={})
    assert shares.api_workers == 1
    assert shares.runners == {"model": Share(1, 4)}
    assert shares.line == ("4 CPUs (all of this machine): 1 API worker; model 1 worker x 4 threads")
    assert shares.warnings == ()


@pytest.mark.parametrize(
    ("cpus", "runners", "expected"),
    [
        (4, {"a": {"workers": 2}}, {"a": (2, 2)}),
        (4, {"a": {"workers": 3}}, {"a": (3, 1)}),
        (8, {"a": {}, "b": {"workers": 3}}, {"a": (1, 2), "b": (3, 2)}),
        (8, {"a": {"workers": 2, "threads": 3}, "b": {}}, {"a": (2, 3), "b": (1, 2)}),
        (8, {"a": {"threads": 7}, "b": {}}, {"a": (1, 7), "b": (1, 1)}),
        (2, {"a": {"threads": 8}, "b": {}}, {"a": (1, 8), "b": (1, 1)}),
        (1, {"a": {}}, {"a": (1, 1)}),
        (1, {}, {}),
    ],
)
def test_workers_share_what_nobody_has_taken(
    cpus: int, runners: dict[str, Any], expected: dict[str, tuple[int, int]]
) -> None:
    shares = share(cpus, **runners)
    assert {name: (one.workers, one.threads) for name, one in shares.runners.items()} == expected


def test_what_is_configured_goes_before_what_is_declared() -> None:
    config = Config(api_workers=2, runners={"model": RunnerSettings(workers=2, threads=1)})
    shares = share(4, config, model={"workers": 4, "threads": 4})
    assert shares.api_workers == 2
    assert shares.runners == {"model": Share(2, 1)}


def test_an_embedded_runner_computes_once_in_every_api_worker() -> None:
    config = Config(api_workers=2, runners={"model": RunnerSettings(placement="embedded")})
    shares = share(4, config, model={"workers": 4}, other={})
    assert shares.runners == {"model": Share(1, 1, embedded=True), "other": Share(1, 1)}
    assert "model embedded with 1 thread; other 1 worker x 1 thread" in shares.line


def test_more_than_there_is_gets_a_warning_if_somebody_asked_for_it() -> None:
    shares = share(2, model={"workers": 4})
    assert shares.runners == {"model": Share(4, 1)}
    assert shares.line.endswith("model 4 workers x 1 thread; these 4 take turns")
    (warning,) = shares.warnings
    assert warning.startswith("runners compute with 4 threads at once, more than the 2 CPUs")
    assert len(share(2, model={"threads": 3}).warnings) == 1
    (warning,) = share(1, Config(api_workers=3)).warnings
    assert warning.startswith("3 API workers are more than the 1 CPU there are")


def test_one_worker_for_each_of_many_runners_is_no_warning() -> None:
    shares = share(1, a={}, b={})
    assert shares.warnings == ()
    assert shares.line.endswith("; these 2 take turns")
