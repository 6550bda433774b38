"""What the framework itself costs: 13 fields in, a small decision out, no model."""

from benchmarks.closed_loop import Ratio, compare
from benchmarks.contestants import noop_servers
from benchmarks.report import Report
from benchmarks.settings import Settings

__all__ = ["run"]


def run(settings: Settings) -> list[Report]:
    """minibento validates both ways; Starlette only parses; the bare function echoes."""
    return [
        compare(
            "No-op endpoint",
            noop_servers(settings.place),
            [32],
            [Ratio("minibento", "starlette", 32, 1.2), Ratio("minibento", "asgi", 32, 0.85)],
            settings,
        )
    ]
