"""`minibento init`: writes a new service into a folder, and never over anything."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from minibento.cli.output import Format, output_option, print_json
from minibento.cli.scaffold import Served, files, model_files
from minibento.cli.source_text import class_name
from minibento.errors import MinibentoError
from minibento.models.model import Model
from minibento.models.resolving import get
from minibento.tag import LATEST, Tag

__all__ = ["init"]

# The method of a model that a new service calls: the first of these that it has.
PREFERRED = ("predict_proba", "predict", "__call__")


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=True))
@click.option("--model", "tag", metavar="TAG", help="Serve this model, typed by its own columns.")
@output_option
def init(folder: Path, tag: str | None, output: Format) -> None:
    """Write a service of your own to begin with.

    Writes service.py, test_service.py, minibento.yaml and README.md into DIR; files that are there
    already are never written over.
    """
    name = class_name(folder.resolve().name)
    written = files(name) if tag is None else model_files(name, _served(Tag.parse(tag), name))
    _write(folder, written)
    if output == "json":
        print_json({"folder": str(folder), "service": f"service:{name}", "files": list(written)})
        return
    for one in written:
        click.echo(f"wrote {folder / one}")
    # Its test needs these two, which serving does not.
    tested = "pip install pytest httpx2 && pytest"
    click.echo(f"next: cd {shlex.quote(str(folder))} && {tested} && minibento serve")


def _served(tag: Tag, name: str) -> Served:
    from minibento.cli.input_type import input_type

    exact = tag if tag.version is not None else Tag(tag.name, LATEST)
    model = get(exact)
    methods = model.method_specs()
    method = next((one for one in PREFERRED if one in methods), next(iter(methods)))
    rows = input_type(methods[method].rows, model.example(), f"{name}Row")
    classes = _classes(model) if method == "predict_proba" else ()
    return Served(str(exact), method, rows, classes)


def _classes(model: Model) -> tuple[str, ...]:
    """What the columns of its probabilities stand for, as texts; empty where it does not say."""
    try:
        found: Any = getattr(model.load(), "classes_", None)
    except MinibentoError:  # not trusted, or its library is not here: it can be served elsewhere
        return ()
    if getattr(found, "ndim", 0) != 1:  # one with several outputs has a list of arrays
        return ()
    return tuple(str(one) for one in found)


def _write(folder: Path, texts: Mapping[str, str]) -> None:
    if folder.is_file():
        raise click.ClickException(f"{folder} is a file: DIR is the folder to write into")
    there = [name for name in texts if (folder / name).exists() or (folder / name).is_symlink()]
    if there:
        raise click.ClickException(
            f"{folder} has {', '.join(there)} already and nothing was written: "
            "take another folder, or move what is there away"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            with (folder / name).open("x", encoding="utf-8") as file:
                file.write(text)
    except OSError as error:
        raise click.ClickException(f"cannot write {error.filename}: {error.strerror}") from error
