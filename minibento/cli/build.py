"""`minibento build`: makes a bundle of the service in a folder and says what is in it."""

from typing import Any

import click

from minibento.cli.building import project_of, project_options
from minibento.cli.output import Format, output_option, print_json
from minibento.cli.quantities import size
from minibento.packager.build import Aim, Built, build

__all__ = ["build_"]

_SHOWN = 10


@click.command("build")
@project_options
@click.option("--vendor", is_flag=True, help="Put all wheels inside: it installs offline.")
@output_option
def build_(vendor: bool, output: Format, **given: Any) -> None:
    """Make a bundle of the service in DIR, else in the current folder.

    A bundle has the code, the exact models, and the locked libraries. What goes in, minibento.yaml
    says; without one, the service is the one in service.py.
    """
    project = project_of(**given)
    aim = Aim(vendor, project.python, project.platform)
    built = build(project.build_file, project.place, aim, lambda text: click.echo(text, err=True))
    if output == "json":
        print_json(_as_json(built))
    else:
        _show(built)


def _as_json(built: Built) -> dict[str, object]:
    entry = built.entry
    return {
        "tag": str(entry.tag),
        "new": built.new,
        "path": str(entry.path),
        "size": entry.size,
        "files": len(entry.files),
        "left_out": [
            {"path": one.path, "size": one.size, "reason": one.reason} for one in built.left_out
        ],
    }


def _show(built: Built) -> None:
    entry = built.entry
    for one in built.left_out[:_SHOWN]:
        click.echo(f"left out: {one.path} ({size(one.size)}): {one.reason}", err=True)
    if len(built.left_out) > _SHOWN:
        click.echo(f"and {len(built.left_out) - _SHOWN} smaller ones: -o json has all", err=True)
    said = "built" if built.new else "nothing has changed since"
    click.echo(f"{said} {entry.tag}: {size(entry.size)}, {len(entry.files)} files")
    click.echo(f"serve it:   minibento serve {entry.tag}")
    click.echo(f"as a file:  minibento bundles export {entry.tag} .")
