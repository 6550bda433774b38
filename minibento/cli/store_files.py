"""`export | import` of models and bundles: one version as a single file, printed."""

from pathlib import Path

import click

from minibento.cli.kind import kind
from minibento.cli.output import Format, output_option, print_json
from minibento.cli.quantities import size
from minibento.cli.tags import tag_argument
from minibento.store.archive import check_digest
from minibento.tag import Tag

__all__ = ["export", "import_"]


@click.command()
@tag_argument()
@click.argument("path", type=click.Path(path_type=Path))
@output_option
def export(tag: str, path: Path, output: Format) -> None:
    """Write one version into the single file PATH."""
    store = kind().store()
    exact = store.get(Tag.parse(tag)).tag
    written = store.export(exact, path)
    if output == "json":
        print_json({"tag": str(exact), "path": str(written), "size": written.stat().st_size})
    else:
        click.echo(f"{exact} -> {written} ({size(written.stat().st_size)})")


@click.command("import")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--sha256", metavar="D", help="Refuse the file unless it has this digest.")
@click.option("--trust", is_flag=True, help="Accept a model that can run code when it is loaded.")
@click.option("--latest", is_flag=True, help="Let `latest` stand for it.")
@output_option
def import_(path: Path, *, sha256: str | None, trust: bool, latest: bool, output: Format) -> None:
    """Store the version that the file PATH holds.

    Models in formats that can run code when they are loaded need --trust: whoever made the file
    can do what you can do. A bundle is code anyway: serve only those of people you trust.
    """
    if sha256 is not None:
        check_digest(path, sha256)
    entry = kind().store().import_(path, trust=trust, latest=latest)
    if output == "json":
        print_json({"tag": str(entry.tag), "path": str(entry.path), "size": entry.size})
    else:
        click.echo(f"stored {entry.tag} ({size(entry.size)})")
