"""NAME arguments: which running server is meant; asks none of them."""

import os
from collections.abc import Callable, Sequence
from typing import Any

import click

from minibento.errors import MinibentoError, NotFound, TargetError
from minibento.processes.rundir import Running, servers
from minibento.wording import did_you_mean, shown

__all__ = ["called", "chosen", "name_argument"]


class _ServerName(click.types.StringParamType):
    def get_missing_message(self, param: click.Parameter, ctx: click.Context | None) -> str:  # noqa: ARG002 -- click's signature
        return "`minibento status` shows the names of those that run."


def name_argument(*, required: bool) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """An argument that shells complete with the names of running servers."""
    return click.argument("name", type=_ServerName(), required=required, shell_complete=_complete)


def chosen(name: str, found: Sequence[Running]) -> Running:
    """The server of this name, or of this name and process id: `CreditRisk.4711`.

    Raises:
        NotFound: none is running under it.
        TargetError: several are; the message has how to write each.
    """
    matching = [one for one in found if one.name == name]
    matching = matching or [one for one in found if called(one) == name]
    if len(matching) == 1:
        return matching[0]
    if matching:
        spellings = ", ".join(called(one) for one in matching)
        raise TargetError(f"{len(matching)} servers are called {name}: write one of {spellings}")
    names = sorted({one.name or called(one) for one in found})
    if not names:
        raise NotFound(f"no server {shown(name)} is running: no server is, `minibento serve`")
    mend = did_you_mean(name, names, f"there are {', '.join(names)}")
    raise NotFound(f"no server {shown(name)} is running: {mend}")


def called(server: Running) -> str:
    """What no other server is called; one that has no name yet goes by its process id."""
    return f"{server.name}.{server.pid}" if server.name else str(server.pid)


def _complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:  # noqa: ARG001 -- click's signature
    from click.shell_completion import CompletionItem  # only while a shell completes

    try:
        found = servers(os.environ)
    except MinibentoError:
        return []
    names = [one.name for one in found if one.name]
    words = [one.name if names.count(one.name) == 1 else called(one) for one in found]
    return [CompletionItem(word) for word in words if word.startswith(incomplete)]
