"""`minibento bundles diff`: what differs between two bundles, printed."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import click

from minibento.bundles.bundle import Bundle
from minibento.bundles.layout import CODE, ENVIRONMENT, OPENAPI
from minibento.bundles.openapi_diff import changes
from minibento.cli.kind import kind
from minibento.cli.output import Format, output_option, print_json, print_line
from minibento.cli.tags import tag_argument
from minibento.packager.lock import read_lock
from minibento.store.entry import Entry
from minibento.tag import Tag

__all__ = ["diff"]


@click.command()
@tag_argument("old")
@tag_argument("new")
@click.option("--exit-code", is_flag=True, help="Leave with 1 if callers of OLD may fail.")
@output_option
def diff(old: str, new: str, exit_code: bool, output: Format) -> None:
    """Show what differs between the bundles OLD and NEW.

    Their code, models, libraries, and methods; what may break callers of OLD is marked.
    """
    store = kind().store()
    found = _difference(store.get(Tag.parse(old)), store.get(Tag.parse(new)))
    breaking = any(one["breaking"] for one in found["api"])
    if output == "json":
        print_json(found | {"breaking": breaking})
    else:
        _show(found)
    if exit_code and breaking:
        click.get_current_context().exit(1)


def _difference(old: Entry, new: Entry) -> dict[str, Any]:
    before, after = Bundle(old.path), Bundle(new.path)
    apis = [json.loads(one.read(OPENAPI)) for one in (before, after)]
    return {
        "old": str(old.tag),
        "new": str(new.tag),
        "code": _mapped(_code(old), _code(new)),
        "models": _mapped(before.facts.models, after.facts.models),
        "libraries": _mapped(_libraries(before), _libraries(after)),
        "service": _mapped(_facts(before), _facts(after)),
        "api": [
            {"where": one.where, "what": one.what, "breaking": one.breaking}
            for one in changes(*apis)
        ],
    }


def _code(entry: Entry) -> dict[str, str]:
    prefix = f"{CODE}/"
    files = {one.path: one.sha256 for one in entry.files if one.path.startswith(prefix)}
    return {path.removeprefix(prefix): sha256 for path, sha256 in files.items()}


def _libraries(bundle: Bundle) -> dict[str, str]:
    pins = read_lock(bundle.read(ENVIRONMENT), ENVIRONMENT).pins
    return {**pins, "minibento": bundle.facts.minibento}


def _facts(bundle: Bundle) -> dict[str, str]:
    facts = bundle.facts
    return {
        "service": facts.service,
        "python": facts.python,
        "platform": facts.platform,
        "container": str(facts.container.base),
        **{f"label {name}": value for name, value in facts.labels.items()},
    }


def _mapped(old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, list[str | None]]:
    """Old and new value by name, of those that differ."""
    names = sorted({*old, *new})
    return {n: [old.get(n), new.get(n)] for n in names if old.get(n) != new.get(n)}


def _show(found: Mapping[str, Any]) -> None:
    lines = [
        *(f"code       {_file(name, *pair)}" for name, pair in found["code"].items()),
        *(f"model      {_value(name, *pair)}" for name, pair in found["models"].items()),
        *(f"library    {_value(name, *pair)}" for name, pair in found["libraries"].items()),
        *(f"about      {_value(name, *pair)}" for name, pair in found["service"].items()),
        *_api(found["api"]),
    ]
    for line in lines or ["nothing differs"]:
        print_line(line)


def _api(found: list[Mapping[str, Any]]) -> Iterator[str]:
    for one in found:
        mark = "BREAKING   " if one["breaking"] else "api        "
        yield f"{mark}{one['where']}: {one['what']}"


def _file(name: str, old: str | None, new: str | None) -> str:
    said = "added" if old is None else "removed" if new is None else "changed"
    return f"{name} {said}"


def _value(name: str, old: str | None, new: str | None) -> str:
    return f"{name}: {old or '-'} -> {new or '-'}"
