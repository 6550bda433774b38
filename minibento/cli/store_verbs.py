"""`list | get | delete | verify` of models and bundles: the store's verbs, printed."""

import sys
from contextlib import suppress
from datetime import UTC, datetime

import click

from minibento.cli.entries import as_json, as_row, details, details_as_json
from minibento.cli.kind import kind
from minibento.cli.output import Format, output_option, print_facts, print_json, print_table
from minibento.cli.quantities import size
from minibento.cli.tags import tag_argument
from minibento.errors import InvalidTag, MinibentoError, NotFound
from minibento.store.store import Broken, Entry, Store
from minibento.tag import Tag, check_name

__all__ = ["delete", "get", "list_", "verify"]


@click.command("list")
@click.argument("name", required=False)
@output_option
def list_(name: str | None, output: Format) -> None:
    """List all that is stored, or the versions of NAME."""
    store = kind().store()
    if name is not None:
        _check_whole(name)
    found = store.list(name)
    if name is not None and not found:
        store.get(name)  # its NotFound names what is near
    latest = _latest(store, found)
    if output == "json":
        print_json([as_json(entry, entry.tag in latest) for entry in found])
    elif found:
        now, tags = datetime.now(UTC), [entry.tag for entry in found]
        columns = ("TAG", "ALSO", kind().column, "SIZE", "SAVED")
        print_table(columns, [as_row(one, one.tag in latest, tags, now) for one in found])
        for one in found:
            if isinstance(one, Broken):  # in full, to be copied; the table has it shortened
                click.echo(f"broken: minibento {kind().name} verify {one.tag} says why", err=True)
    else:
        click.echo(kind().empty, err=True)


@click.command()
@tag_argument()
@output_option
def get(tag: str, output: Format) -> None:
    """Show one: what it is, its files and aliases."""
    store = kind().store()
    entry = store.get(Tag.parse(tag))
    latest = entry.tag in _latest(store, [entry])
    if output == "json":
        print_json(details_as_json(entry, latest))
    else:
        shown = details(entry, latest, datetime.now(UTC))
        print_facts({name: value for name, value in shown.items() if value})


@click.command()
@tag_argument()
@click.option("--force", is_flag=True, help="Also if an alias stands for it; the alias goes too.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@output_option
def delete(tag: str, force: bool, yes: bool, output: Format) -> None:
    """Remove one version for good.

    TAG needs a version here, so that nobody removes the latest one by leaving it out. On a terminal
    it asks before it removes.
    """
    store = kind().store()
    wanted = _deletable(store, Tag.parse(tag))
    if _on_terminal() and not yes:
        click.confirm(f"delete {wanted} for good?", abort=True, err=True)
    store.delete(wanted, force=force)
    if output == "json":
        print_json({"deleted": str(wanted)})
    else:
        click.echo(f"deleted {wanted}")


@click.command()
@tag_argument()
@output_option
def verify(tag: str, output: Format) -> None:
    """Compare every file with what was saved; exit code 1 if one differs."""
    entry = kind().store().verify(Tag.parse(tag))
    if output == "json":
        print_json({"tag": str(entry.tag), "files": len(entry.files), "size": entry.size})
    else:
        files = f"{len(entry.files)} file{'' if len(entry.files) == 1 else 's'}"
        click.echo(f"{entry.tag}: {files}, {size(entry.size)}, all as saved")


def _check_whole(name: str) -> None:
    """It is a name: a tag with a version, which `get` takes, is told so."""
    try:
        check_name(name)
    except InvalidTag:
        with suppress(InvalidTag):
            tag = Tag.parse(name)
            raise click.UsageError(
                f"{name!r} is one version: `minibento {kind().name} get {tag}` shows it, "
                f"`minibento {kind().name} list {tag.name}` lists all"
            ) from None
        raise


def _on_terminal() -> bool:
    return sys.stdin.isatty()


def _deletable(store: Store, tag: Tag) -> Tag:
    """The exact tag; a broken version can be deleted by its full one."""
    if tag.version is None:
        raise click.UsageError(
            f"{str(tag)!r} has no version: `minibento {kind().name} list {tag}` shows its "
            f"versions, {f'{tag}:latest'!r} is the newest"
        )
    try:
        return store.get(tag).tag
    except NotFound:
        raise
    except MinibentoError:
        return tag


def _latest(store: Store, entries: "list[Entry | Broken] | list[Entry]") -> set[Tag]:
    """The tag that `latest` stands for, of every name that has one which can be read."""
    found = set()
    for name in {entry.tag.name for entry in entries if isinstance(entry, Entry)}:
        try:
            found.add(store.get(Tag(name)).tag)
        except MinibentoError:  # the newest one is broken: the list says so itself
            continue
    return found
