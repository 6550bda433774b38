"""TAG arguments: completed from the store; what a tag may look like is `minibento.tag`'s."""

from collections.abc import Callable
from typing import Any

import click

from minibento.cli.kind import MODELS, Kind
from minibento.errors import MinibentoError
from minibento.store.store import Broken

__all__ = ["tag_argument"]


def tag_argument(name: str = "tag") -> Callable[[Callable[..., None]], Callable[..., None]]:
    """An argument that shells complete with the tags in the store."""
    return click.argument(name, metavar=name.upper(), shell_complete=_complete)


def _complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:  # noqa: ARG001 -- click's signature
    from click.shell_completion import CompletionItem  # only while a shell completes

    try:
        entries = (ctx.find_object(Kind) or MODELS).store().list()
    except MinibentoError:
        return []
    tags = []
    for entry in entries:
        tags.append(str(entry.tag))
        if not isinstance(entry, Broken):
            tags.extend(f"{entry.tag.name}:{alias}" for alias in entry.aliases)
    return [CompletionItem(tag) for tag in tags if tag.startswith(incomplete)]
