"""What commands print: a table for people or one JSON document for machines."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

__all__ = ["Format", "output_option", "print_facts", "print_json", "print_line", "print_table"]

Format = str
Command = Callable[..., None]


def output_option(command: Command) -> Command:
    """Give a command `-o table|json`."""
    return click.option(
        "-o",
        "--output",
        type=click.Choice(["table", "json"]),
        default="table",
        show_default=True,
        help="A table for people or one JSON document for machines.",
    )(command)


def print_json(document: Any) -> None:
    """Print one JSON document."""
    click.echo(json.dumps(document, indent=2, default=str))


def print_line(text: str) -> None:
    """Print one line, whatever names are in it."""
    click.echo(_plain(text))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows below their column names, aligned; bold names on a terminal only."""
    cells = [[_plain(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    header = _line(columns, widths)
    click.echo(click.style(header, bold=True) if sys.stdout.isatty() else header)
    for row in cells:
        click.echo(_line(row, widths))


def print_facts(facts: Mapping[str, str | Sequence[str]]) -> None:
    """Print names and what they are, aligned; a sequence takes one line each, an empty one none."""
    width = max(map(len, facts))
    for name, values in facts.items():
        lines = [values] if isinstance(values, str) else values
        for index, value in enumerate(lines):
            click.echo(f"{name if index == 0 else '':<{width}}  {_plain(value)}".rstrip())


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "   ".join(
        f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True)
    ).rstrip()


def _plain(text: str) -> str:
    """Show control characters as escapes: what is stored must not drive the terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
