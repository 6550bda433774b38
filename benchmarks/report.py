"""What an experiment found, and its text in Markdown; knows no measurement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

__all__ = ["Goal", "Report", "markdown", "table"]


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure to reach; `value` None: it could not be measured."""

    text: str
    value: float | None
    at_least: float | None = None
    at_most: float | None = None
    unit: str = ""

    @property
    def reached(self) -> bool:
        """Whether the value is there and within its bounds."""
        return (
            self.value is not None
            and (self.at_least is None or self.value >= self.at_least)
            and (self.at_most is None or self.value <= self.at_most)
        )

    def __str__(self) -> str:
        bound = (
            f"at least {self.at_least:g}{self.unit}"
            if self.at_least is not None
            else f"at most {self.at_most:g}{self.unit}"
        )
        if self.value is None:
            return f"{self.text}: not measured ({bound})"
        verdict = "reached" if self.reached else "missed"
        return f"{self.text}: **{self.value:.2f}{self.unit}** ({bound}: {verdict})"


@dataclass(frozen=True, slots=True)
class Report:
    """A table of medians, the figures to reach, and what could not be measured and why."""

    title: str
    setting: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    goals: Sequence[Goal] = ()
    failures: Mapping[str, str] = field(default_factory=dict)


def markdown(report: Report) -> str:
    """The report as a Markdown section."""
    parts = [f"## {report.title}", report.setting, table(report.columns, report.rows)]
    if report.goals:
        parts.append("\n".join(f"- {goal}" for goal in report.goals))
    if report.failures:
        parts.append(
            "\n".join(
                f"- not measured: {name}: {' '.join(reason.split())}"
                for name, reason in report.failures.items()
            )
        )
    return "\n\n".join(parts) + "\n"


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, its first column to the left and the others to the right."""
    # 3, because Markdown wants that many dashes under a heading.
    widths = [
        max(3, *(len(row[index]) for row in (columns, *rows))) for index in range(len(columns))
    ]

    def line(cells: Sequence[str]) -> str:
        first, *others = zip(cells, widths, strict=True)
        padded = [first[0].ljust(first[1]), *(text.rjust(width) for text, width in others)]
        return f"| {' | '.join(padded)} |"

    rule = [
        "-" * width if index == 0 else "-" * (width - 1) + ":" for index, width in enumerate(widths)
    ]
    return "\n".join([line(columns), f"| {' | '.join(rule)} |", *(line(row) for row in rows)])
