"""A model with a large cost per batch: a forest of 200 trees, n_jobs=1."""

from benchmarks.closed_loop import Ratio, compare
from benchmarks.contestants import model_servers
from benchmarks.report import Report
from benchmarks.settings import Settings

__all__ = ["run"]


def run(settings: Settings) -> list[Report]:
    """At 32 connections a greedy batcher falls into two half batches that take turns."""
    return [
        compare(
            "Forest of 200 trees",
            model_servers(settings.place, "forest"),
            [32, 128],
            [Ratio("minibento", "starlette", 128, 25.0)],
            settings,
        )
    ]
