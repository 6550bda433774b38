"""How long and how often: the options of the command line, handed to every experiment."""

from dataclasses import dataclass

from benchmarks.workplace import Workplace

__all__ = ["Settings"]


@dataclass(frozen=True, slots=True)
class Settings:
    """One run.

    Attributes:
        rounds: How often each case is measured; medians are reported.
        seconds: How long each load lasts.
        starts: How often each interpreter start is timed.
    """

    rounds: int
    seconds: int
    starts: int
    place: Workplace
