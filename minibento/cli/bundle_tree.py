"""`minibento bundles tree`: what is in a bundle, folder by folder, printed."""

import click

from minibento.cli.kind import kind
from minibento.cli.output import Format, output_option, print_json, print_line
from minibento.cli.quantities import size
from minibento.cli.tags import tag_argument
from minibento.store.entry import Entry
from minibento.tag import Tag

__all__ = ["tree"]


@click.command()
@tag_argument()
@output_option
def tree(tag: str, output: Format) -> None:
    """Show what is in a bundle, with its size."""
    entry = kind().store().get(Tag.parse(tag))
    if output == "json":
        files = [{"path": one.path, "size": one.size} for one in entry.files]
        print_json({"tag": str(entry.tag), "size": entry.size, "files": files})
        return
    click.echo(f"{entry.tag}  {size(entry.size)}")
    sizes = _sizes(entry)
    for path in sorted(sizes):
        *above, name = path.rstrip("/").split("/")
        end = "/" if path.endswith("/") else ""
        print_line(f"{'  ' * (len(above) + 1)}{name}{end}  {size(sizes[path])}")


def _sizes(entry: Entry) -> dict[str, int]:
    """Bytes of every file, and of every folder (its path ends with `/`)."""
    found: dict[str, int] = {}
    for one in entry.files:
        parts = one.path.split("/")
        for depth in range(1, len(parts)):
            folder = "/".join(parts[:depth]) + "/"
            found[folder] = found.get(folder, 0) + one.size
        found[one.path] = one.size
    return found
