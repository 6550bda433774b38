"""`minibento models`: the table of what one does with stored models; does none of it."""

import click

from minibento.cli.lazy import LazyGroup

__all__ = ["models"]

COMMANDS = {
    "list": ("minibento.cli.model_verbs:list_", "List the stored models."),
    "get": ("minibento.cli.model_verbs:get", "Show one model: what it is, its files and aliases."),
    "delete": ("minibento.cli.model_verbs:delete", "Remove one version for good."),
    "verify": ("minibento.cli.model_verbs:verify", "Compare every file with what was saved."),
    "export": ("minibento.cli.model_files:export", "Write one version into a single file."),
    "import": ("minibento.cli.model_files:import_", "Store the version that a file holds."),
    "alias": ("minibento.cli.model_alias:alias", "Show, move, roll back or remove aliases."),
}


@click.group(cls=LazyGroup, deferred=COMMANDS)
def models() -> None:
    """List, look at, move and delete stored models.

    A TAG is `name`, `name:latest`, `name:alias`, `name:version` or the first 4 or more characters
    of a version. The store is the folder `$MINIBENTO_HOME`, else `~/minibento`.
    """
