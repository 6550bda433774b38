"""docs/cli.md shows the real `--help` of every command."""

import re
from pathlib import Path

import click

from minibento.cli.main import root
from tests.cli.conftest import Run

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"
BLOCK = re.compile(r"^```console\n\$ minibento (.*?)--help\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_page_shows_what_each_command_prints(run: Run) -> None:
    blocks = BLOCK.findall(PAGE.read_text("utf-8"))
    assert blocks
    for arguments, shown in blocks:
        assert shown == run(*arguments.split(), "--help").stdout, arguments


def test_the_page_has_every_command() -> None:
    shown = {arguments.strip() for arguments, _ in BLOCK.findall(PAGE.read_text("utf-8"))}
    assert shown == {" ".join(names) for names in _commands(root, ())}


def _commands(command: click.Command, names: tuple[str, ...]) -> list[tuple[str, ...]]:
    found = [names]
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            found += _commands(inner, (*names, name))
    return found
