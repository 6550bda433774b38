"""A model of half a millisecond: dictionary vectorizer and logistic regression."""

from benchmarks.closed_loop import Ratio, compare
from benchmarks.contestants import model_servers
from benchmarks.report import Report
from benchmarks.settings import Settings

__all__ = ["run"]


def run(settings: Settings) -> list[Report]:
    """minibento in one process; Starlette in one process; mosec in two, one of them Rust."""
    return [
        compare(
            "Light model",
            model_servers(settings.place, "light"),
            [32, 128],
            [Ratio("minibento", "starlette", 32, 3.0), Ratio("minibento", "starlette", 128, 2.5)],
            settings,
        )
    ]
