"""`minibento lock`: resolves what a service needs and writes requirements.lock."""

from typing import Any

import click

from minibento.cli.building import project_of, project_options
from minibento.cli.output import Format, output_option, print_json
from minibento.packager.build import Aim, lock

__all__ = ["lock_"]


@click.command("lock")
@project_options
@output_option
def lock_(output: Format, **given: Any) -> None:
    """Write requirements.lock for the service in DIR, else in the current folder.

    It holds the exact libraries with their hashes: those that minibento needs, those that the
    service's models were saved with, and those that minibento.yaml names. Commit it.
    """
    project = project_of(**given)
    path = lock(project.build_file, project.place, Aim(False, project.python, project.platform))
    if output == "json":
        print_json({"path": str(path)})
    else:
        click.echo(f"wrote {path}: commit it")
