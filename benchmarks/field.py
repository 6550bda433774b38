"""All contestants of one experiment, up and checked at the same time; knows no load."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.failures import MeasurementFailed
from benchmarks.server import Contestant, Server

__all__ = ["Field", "running"]


@dataclass(slots=True)
class Field:
    """Servers by name, and why the others are not there."""

    servers: dict[str, Server] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)


@contextmanager
def running(contestants: Sequence[Contestant], directory: Path) -> Iterator[Field]:
    """Start all, each in its own process; stop them at the end."""
    with ExitStack() as stack:
        started = Field()
        for contestant in contestants:
            print(f"  starting {contestant.name}", file=sys.stderr)
            try:
                server = stack.enter_context(Server(contestant, directory))
            except MeasurementFailed as failure:
                started.failures[contestant.name] = str(failure)
            else:
                started.servers[contestant.name] = server
        yield started
