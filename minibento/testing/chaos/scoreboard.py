"""What a siege comes to: by kind of event, in all, and what must not have happened; pure."""

import math
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from minibento.testing.chaos.load import Outcome, Verdict
from minibento.testing.chaos.siege import Done, Record
from minibento.testing.chaos.target import Process

__all__ = ["Scoreboard", "Tally"]


@dataclass(slots=True)
class Tally:
    """The windows after all events of one kind, each up to the next event.

    Attributes:
        times: Events, without those that found no process to hit.
        lost: Requests that ended there without an answer they could use.
        excused: Those of them whose connection was at an API worker that was ended.
        refused: Requests that were told no.
        whole_seconds: The longest time until all processes were there again; None: none was hit.
        longest_seconds: From when a request was due to its answer.
    """

    times: int = 0
    lost: int = 0
    excused: int = 0
    refused: int = 0
    whole_seconds: float | None = None
    longest_seconds: float = 0.0


@dataclass(slots=True)
class Scoreboard:
    """The result of a siege.

    Attributes:
        tallies: By kind of event; `none`: before the first one.
        verdicts: How many requests ended how.
        statuses: How many answers had which status.
        before: The processes that there were.
        after: Those that there are.
    """

    tallies: dict[str, Tally] = field(default_factory=dict)
    verdicts: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    before: Sequence[Process] = ()
    after: Sequence[Process] = ()

    @classmethod
    def of(cls, record: Record) -> "Scoreboard":
        """Count."""
        tallies: dict[str, Tally] = defaultdict(Tally)
        board = cls(before=record.before, after=record.after)
        for event in record.events:
            _happened(tallies[str(event.action)], event)
        moments = [event.at for event in record.events]
        for outcome in record.outcomes:
            index = bisect_right(moments, outcome.done) - 1
            tally = tallies[str(record.events[index].action) if index >= 0 else "none"]
            _ended(tally, outcome, any(_excuses(one, outcome) for one in record.events))
            board.verdicts[outcome.verdict.value] += 1
            if outcome.status:
                board.statuses[outcome.status] += 1
        board.tallies = dict(sorted(tallies.items()))
        return board

    @property
    def faults(self) -> list[str]:
        """What must not have happened, in words; empty: all is well."""
        found = []
        if not any(one.times for one in self.tallies.values()):
            found.append("nothing was done to it")
        lost = sum(one.lost - one.excused for one in self.tallies.values())
        if lost:
            found.append(f"{lost} requests were lost")
        if any(math.isinf(one.whole_seconds or 0) for one in self.tallies.values()):
            found.append("the server was not whole again")
        missing = {one.name for one in self.before} - {one.name for one in self.after}
        if missing:
            found.append(f"at the end there is no {', '.join(sorted(missing))}")
        return found

    def document(self) -> dict[str, Any]:
        """It for machines."""
        return {
            "events": {
                name: {
                    "times": one.times,
                    "lost": one.lost,
                    "excused": one.excused,
                    "refused": one.refused,
                    "whole_seconds": _finite(one.whole_seconds),
                    "longest_seconds": one.longest_seconds,
                }
                for name, one in self.tallies.items()
            },
            "requests": {one.value: self.verdicts[one.value] for one in Verdict},
            "statuses": {str(status): count for status, count in sorted(self.statuses.items())},
            "processes": [
                {
                    "name": name,
                    "descriptors": [_of(before, "descriptors"), _of(after, "descriptors")],
                    "private_bytes": [_of(before, "private_bytes"), _of(after, "private_bytes")],
                }
                for name, before, after in self.pairs()
            ],
            "faults": self.faults,
        }

    def pairs(self) -> list[tuple[str, Process, Process | None]]:
        """Every process that there was, with the one that is in its place."""
        after = {one.name: one for one in self.after}
        return [(one.name, one, after.get(one.name)) for one in self.before]


def _happened(tally: Tally, event: Done) -> None:
    tally.times += event.victim is not None or not event.action.role
    if event.whole_seconds is not None:
        tally.whole_seconds = max(tally.whole_seconds or 0.0, event.whole_seconds)


def _ended(tally: Tally, outcome: Outcome, excused: bool) -> None:
    if outcome.verdict.is_lost:
        tally.lost += 1
        tally.excused += excused
    elif outcome.verdict is Verdict.REFUSED:
        tally.refused += 1
    if outcome.status:
        tally.longest_seconds = max(tally.longest_seconds, outcome.seconds)


def _excuses(event: Done, outcome: Outcome) -> bool:
    """Whether a request broke off with the connection that an API worker took along.

    Only those can have been open there that were sent before another one had its place.
    """
    broke = outcome.verdict is Verdict.RESET and event.action.role == "api-worker"
    if not broke or event.whole_seconds is None:
        return False
    return event.at <= outcome.done and outcome.due <= event.at + event.whole_seconds


def _finite(seconds: float | None) -> float | None:
    return None if seconds is None or math.isinf(seconds) else seconds


def _of(process: Process | None, name: str) -> int | None:
    return None if process is None else getattr(process, name)
