"""What `build` and `lock` are told: which project, and what for."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click

from minibento.bundles.machine import PLATFORMS, this_platform, this_python
from minibento.cli.no_target import exists
from minibento.cli.target import project_place
from minibento.errors import BuildError, TargetError
from minibento.packager.build_file import BuildFile, find_build_file, is_python, read_build_file
from minibento.processes.place import Place
from minibento.wording import shown

__all__ = ["Project", "project_of", "project_options"]

Command = Callable[..., None]


@dataclass(frozen=True, slots=True)
class Project:
    """A folder with a service, its build file, and what is built for."""

    place: Place
    build_file: BuildFile
    python: str
    platform: str


def _python(ctx: click.Context, option: click.Parameter, given: str | None) -> str | None:
    if given is not None and not is_python(given):
        raise click.BadParameter(f"{given!r} is no minor version from 3.11 on", ctx, option)
    return given


def _folder(ctx: click.Context, argument: click.Parameter, given: Path | None) -> Path | None:
    there = given is not None and exists(given)
    if given is None or (there and given.is_dir()):
        return given
    name = shown(str(given))
    said = f"{name} is a file" if there else f"there is no folder {name}"
    takes = "DIR is the folder of a service, left out it is the current one"
    if ":" in name:
        takes = (
            "DIR is the folder of a service, neither a tag nor module:Name; which of its classes "
            "is built, minibento.yaml says (service: module:Name)"
        )
    raise click.BadParameter(f"{said}: {takes}", ctx, argument)


def project_options(command: Command) -> Command:
    """Give a command DIR, --file, --python and --platform, which `project_of` takes."""
    for decorate in (
        click.option(
            "--platform", type=click.Choice(list(PLATFORMS)), help="Else that of this machine."
        ),
        click.option(
            "--python",
            metavar="3.N",
            callback=_python,
            help="Minor version it is for, else that of this Python.",
        ),
        click.option(
            "--file",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="Build file, else minibento.yaml.",
        ),
        click.argument(
            "folder",
            required=False,
            metavar="[DIR]",
            type=click.Path(path_type=Path),
            callback=_folder,
        ),
    ):
        command = decorate(command)
    return command


def project_of(
    folder: Path | None, file: Path | None, python: str | None, platform: str | None
) -> Project:
    """The project that a command is about.

    Raises:
        BuildError: the folder is part of a package.
        TargetError: it has no service.
        ConfigError: its build file is wrong.
    """
    root = (folder or Path()).resolve()
    build_file = read_build_file(file) if file else find_build_file(root)
    at = project_place(root, build_file)
    if at is None:
        raise TargetError(f"{root} has neither minibento.yaml nor service.py: name another DIR")
    if at.folder != root:
        raise BuildError(
            f"{root} is a package inside {at.folder}: build from there, with a minibento.yaml "
            f"that says service: {at.module}:NAME"
        )
    return Project(
        at,
        build_file,
        python or build_file.python_version or this_python(),
        platform or this_platform(),
    )
