"""A command group that imports a command only when it runs; knows none of the commands."""

from collections.abc import Mapping
from typing import Any

import click

from minibento.importing import load
from minibento.wording import did_you_mean

__all__ = ["Deferred", "LazyGroup"]

# A command's `module:attribute` and its line in the group's help.
Deferred = tuple[str, str]


class LazyGroup(click.Group):
    """A group whose commands are a table of import strings, so that `--help` imports none."""

    def __init__(self, *args: Any, deferred: Mapping[str, Deferred], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.deferred = deferred

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 -- click's signature
        """The names in the order of the table."""
        return list(self.deferred)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 -- click's
        """Import the command of this name."""
        if cmd_name not in self.deferred:
            return None
        command: click.Command = load(self.deferred[cmd_name][0])
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or name the ones that it may have meant."""
        name = args[0]
        if name in self.deferred or name.startswith("-") or ctx.resilient_parsing:
            return super().resolve_command(ctx, args)
        mend = did_you_mean(name, self.deferred, f"there are {', '.join(self.deferred)}")
        raise click.UsageError(f"no command {name!r}: {mend}", ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 -- click's
        """Write the table's own lines."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in self.deferred.items()])
