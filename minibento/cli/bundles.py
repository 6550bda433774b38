"""`minibento bundles`: the table of what one does with bundles; does none of it."""

import click

from minibento.cli.kind import BUNDLES
from minibento.cli.lazy import LazyGroup
from minibento.cli.models import COMMANDS as SHARED

__all__ = ["bundles"]

COMMANDS = {
    **SHARED,
    "diff": ("minibento.cli.bundle_diff:diff", "Show what differs between two bundles."),
    "tree": ("minibento.cli.bundle_tree:tree", "Show what is in a bundle, with its size."),
}


@click.group(cls=LazyGroup, deferred=COMMANDS, context_settings={"obj": BUNDLES})
def bundles() -> None:
    """List, look at, move and delete bundles.

    A TAG is `name`, `name:latest`, `name:alias`, `name:version` or the first 4 or more characters
    of a version. The store is the folder `$MINIBENTO_HOME`, else `~/minibento`.
    """
