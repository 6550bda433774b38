"""`minibento models`: the table of what one does with stored models; does none of it."""

import click

from minibento.cli.kind import MODELS
from minibento.cli.lazy import LazyGroup

__all__ = ["COMMANDS", "models"]

# Of every kind that the store holds.
COMMANDS = {
    "list": ("minibento.cli.store_verbs:list_", "List what is stored."),
    "get": ("minibento.cli.store_verbs:get", "Show one: what it is, its files and aliases."),
    "delete": ("minibento.cli.store_verbs:delete", "Remove one version for good."),
    "verify": ("minibento.cli.store_verbs:verify", "Compare every file with what was saved."),
    "export": ("minibento.cli.store_files:export", "Write one version into a single file."),
    "import": ("minibento.cli.store_files:import_", "Store the version that a file holds."),
    "push": ("minibento.cli.store_moves:push", "Send one version to another place."),
    "pull": ("minibento.cli.store_moves:pull", "Store a version from another place."),
    "alias": ("minibento.cli.store_alias:alias", "Show, move, roll back or remove aliases."),
}


@click.group(cls=LazyGroup, deferred=COMMANDS, context_settings={"obj": MODELS})
def models() -> None:
    """List, look at, move and delete stored models.

    A TAG is `name`, `name:latest`, `name:alias`, `name:version` or the first 4 or more characters
    of a version. The store is the folder `$MINIBENTO_HOME`, else `~/minibento`.
    """
