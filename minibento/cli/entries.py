"""What the commands show of a stored version; knows neither the store nor any command."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from minibento.cli.quantities import age, short_version, size
from minibento.store.store import Broken, Entry
from minibento.tag import Tag

__all__ = ["as_json", "as_row", "details", "details_as_json"]


def as_json(entry: Entry | Broken, latest: bool) -> dict[str, Any]:
    """One element of `list -o json`; a broken entry has its tag and its error only."""
    if isinstance(entry, Broken):
        return {"tag": str(entry.tag), "error": str(entry.error)}
    return {
        "tag": str(entry.tag),
        "name": entry.tag.name,
        "version": entry.tag.version,
        "latest": latest,
        "aliases": list(entry.aliases),
        **_kind(entry.about),
        "size": entry.size,
        "created": entry.created.isoformat(),
        "labels": _recorded(entry.about).get("labels", {}),
    }


def as_row(entry: Entry | Broken, latest: bool, tags: Sequence[Tag], now: datetime) -> list[str]:
    """One line of `list`: tag, what else it is called, framework or service, size, age."""
    versions = [tag.version or "" for tag in tags if tag.name == entry.tag.name]
    tag = str(entry.tag)
    if entry.tag.version is not None:
        tag = f"{entry.tag.name}:{short_version(entry.tag.version, versions)}"
    if isinstance(entry, Broken):
        return [tag, "", "", "", "broken"]
    also = (["latest"] if latest else []) + list(entry.aliases)
    what = str(next(iter(_kind(entry.about).values())))
    return [tag, ", ".join(also), what, size(entry.size), age(entry.created, now)]


def details(entry: Entry, latest: bool, now: datetime) -> dict[str, str | Sequence[str]]:
    """What `get` shows, by the name of the line."""
    about = _recorded(entry.about)
    return {
        "tag": str(entry.tag),
        "also": ", ".join((["latest"] if latest else []) + list(entry.aliases)),
        **{name: str(what) for name, what in _kind(entry.about).items()},
        "created": f"{age(entry.created, now)} ({entry.created.isoformat(timespec='seconds')})",
        "size": size(entry.size),
        "path": str(entry.path),
        "methods": [_method(name, one) for name, one in _mapping(about, "signatures").items()],
        "models": _pairs(about, "models"),
        "labels": _pairs(about, "labels"),
        "metadata": _pairs(about, "metadata"),
        "objects": ", ".join(map(str, _list(about, "custom_objects"))),
        "python": " on ".join(str(about[n]) for n in ("python", "platform") if about.get(n)),
        "wheels": "all inside" if about.get("vendored") else "",
        "libraries": _pairs(about, "libraries"),
        "files": [f"{one.path}  {size(one.size)}  sha256 {one.sha256[:12]}" for one in entry.files],
    }


def _recorded(about: Mapping[str, Any]) -> Mapping[str, Any]:
    """What was recorded: a bundle's is below a key of its own."""
    bundle = about.get("bundle")
    return bundle if isinstance(bundle, dict) else about


def _kind(about: Mapping[str, Any]) -> dict[str, Any]:
    """What distinguishes it from others of its kind."""
    name = "service" if "bundle" in about else "framework"
    return {name: _recorded(about).get(name, "")}


def details_as_json(entry: Entry, latest: bool) -> dict[str, Any]:
    """What `get -o json` prints: the element of the list, and all that was recorded."""
    return {
        **as_json(entry, latest),
        "path": str(entry.path),
        "about": entry.about,
        "files": [
            {"path": one.path, "size": one.size, "sha256": one.sha256} for one in entry.files
        ],
    }


def _mapping(about: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """What was recorded under a name; a foreign archive may have anything there."""
    found = about.get(name)
    return found if isinstance(found, dict) else {}


def _list(about: Mapping[str, Any], name: str) -> Sequence[Any]:
    found = about.get(name)
    return found if isinstance(found, list) else ()


def _method(name: str, signature: object) -> str:
    batchable = isinstance(signature, dict) and signature.get("batchable")
    return f"{name}  batchable" if batchable else name


def _pairs(about: Mapping[str, Any], name: str) -> list[str]:
    return [f"{key} = {value}" for key, value in _mapping(about, name).items()]
