"""A scoreboard as a table for people; counts nothing."""

import math
from collections.abc import Iterator, Sequence

from minibento.testing.chaos.scoreboard import Scoreboard, Tally

__all__ = ["lines"]

_EVENTS = ("EVENT", "TIMES", "LOST", "EXCUSED", "REFUSED", "WHOLE AGAIN", "LONGEST ANSWER")
_PROCESSES = ("PROCESS", "DESCRIPTORS", "", "MEMORY", "")


def lines(board: Scoreboard) -> Iterator[str]:
    """Events, requests, processes, and the verdict."""
    yield from _table(_EVENTS, [_event(name, one) for name, one in board.tallies.items()])
    yield ""
    yield "requests: " + ", ".join(f"{count} {name}" for name, count in board.verdicts.items())
    statuses = sorted(board.statuses.items())
    yield "statuses: " + ", ".join(f"{count} x {status}" for status, count in statuses)
    yield ""
    rows = [
        (
            name,
            _number(before.descriptors),
            "-> " + _number(None if after is None else after.descriptors),
            _mib(before.private_bytes),
            "-> " + _mib(None if after is None else after.private_bytes),
        )
        for name, before, after in board.pairs()
    ]
    yield from _table(_PROCESSES, rows)
    yield ""
    yield "; ".join(board.faults) or "nothing was lost that must not be"


def _event(name: str, tally: Tally) -> tuple[str, ...]:
    return (
        name,
        str(tally.times),
        str(tally.lost),
        str(tally.excused),
        str(tally.refused),
        _seconds(tally.whole_seconds),
        _seconds(tally.longest_seconds),
    )


def _table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(heading, *rows, strict=True)]
    for row in (heading, *rows):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "   ".join(cells).rstrip()


def _seconds(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return "never" if math.isinf(seconds) else f"{seconds * 1000:.0f} ms"


def _mib(count: int | None) -> str:
    return "?" if count is None else f"{count / 2**20:.1f} MiB"


def _number(count: int | None) -> str:
    return "?" if count is None else str(count)
