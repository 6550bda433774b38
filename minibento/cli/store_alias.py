"""`alias` of models and bundles: names that stand for a version, shown, moved, removed."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import click

from minibento.cli.kind import kind
from minibento.cli.output import Format, output_option, print_json, print_table
from minibento.cli.tags import tag_argument
from minibento.errors import InvalidTag, MinibentoError, NotFound
from minibento.store.store import Store
from minibento.tag import Tag, check_name, check_version

__all__ = ["alias"]


@click.command()
@tag_argument()
@click.argument("alias", required=False)
@click.option("--rollback", is_flag=True, help="Let ALIAS stand again for what it did before.")
@click.option("--delete", is_flag=True, help="Remove ALIAS; the version stays.")
@output_option
def alias(tag: str, alias: str | None, rollback: bool, delete: bool, output: Format) -> None:
    """Show, move, roll back or remove aliases.

    \b
    alias TAG ALIAS              let name:ALIAS stand for TAG from now on
    alias NAME                   show the aliases of NAME
    alias NAME ALIAS --rollback  go back to what it stood for before
    alias NAME ALIAS --delete    remove the alias
    """
    store, parsed = kind().store(), Tag.parse(tag)
    verb = f"minibento {kind().name} alias"
    if alias is None:
        if rollback or delete:
            raise click.UsageError(
                f"which ALIAS? minibento {kind().name} alias NAME ALIAS --rollback"
            )
        if parsed.version is not None:
            raise click.UsageError(
                f"which ALIAS is to stand for {parsed}? {verb} {parsed} ALIAS; "
                f"`{verb} {parsed.name}` shows those there are"
            )
        _show(store, parsed.name, output)
    elif rollback and delete:
        raise click.UsageError("--rollback and --delete exclude each other")
    else:
        flag = " --rollback" if rollback else " --delete" if delete else ""
        with _other_order(store, parsed, alias, flag):
            if rollback:
                _roll_back(store, check_name(tag), check_version(alias), output)
            elif delete:
                _delete(store, check_name(tag), check_version(alias), output)
            else:
                _move(store, parsed, check_version(alias), output)


@contextmanager
def _other_order(store: Store, first: Tag, second: str, flag: str) -> Iterator[None]:
    """Where it fails because ALIAS came first, say so."""
    try:
        yield
    except (InvalidTag, NotFound) as error:
        unknown = isinstance(error, InvalidTag) or not store.list(first.name)
        if unknown and first.version is None:
            with suppress(MinibentoError):  # the second is no tag of the store either
                store.get(second)
                meant = f"minibento {kind().name} alias {second} {first}{flag}"
                raise click.UsageError(f"TAG comes before ALIAS: did you mean `{meant}`?") from None
        raise


def _show(store: Store, name: str, output: Format) -> None:
    store.get(name)  # its NotFound names what is near
    histories = {one: store.history(name, one) for one in store.aliases(name)}
    standing = store.aliases(name)
    if output == "json":
        print_json(
            [
                {"alias": one, "tag": str(tag), "history": [str(old) for old in histories[one]]}
                for one, tag in standing.items()
            ]
        )
    elif standing:
        rows = [
            [one, str(tag), ", ".join(str(old) for old in histories[one][:-1])]
            for one, tag in standing.items()
        ]
        print_table(("ALIAS", "TAG", "BEFORE"), rows)
    else:
        click.echo(
            f"{name} has no alias: minibento {kind().name} alias {name} production", err=True
        )


def _delete(store: Store, name: str, alias: str, output: Format) -> None:
    store.unalias(name, alias)
    if output == "json":
        print_json({"alias": alias, "tag": None})
    else:
        click.echo(f"removed {name}:{alias}")


def _move(store: Store, tag: Tag, alias: str, output: Format) -> None:
    before = store.aliases(tag.name).get(alias)
    now = store.alias(tag, alias)
    _moved(before, now, alias, f"{tag.name} {alias} --rollback", output)


def _roll_back(store: Store, name: str, alias: str, output: Format) -> None:
    before = store.aliases(name).get(alias)
    _moved(before, store.rollback(name, alias), alias, f"{before} {alias}", output)


def _moved(before: Tag | None, now: Tag, alias: str, back: str, output: Format) -> None:
    """What it stands for, and what it did: without a version in TAG nobody has named either."""
    if output == "json":
        moved_from = None if before is None else str(before)
        print_json({"alias": alias, "tag": str(now), "before": moved_from})
        return
    click.echo(f"{now.name}:{alias} -> {now}")
    if before is not None and before != now:
        click.echo(f"before:   {before}")
        click.echo(f"go back:  minibento {kind().name} alias {back}")
