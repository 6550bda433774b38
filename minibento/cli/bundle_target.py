"""A TARGET that is a bundle: its folder, an exported file, or a tag; imports nothing of it."""

from pathlib import Path

from minibento.errors import MinibentoError
from minibento.processes.place import Place
from minibento.store.manifest import MANIFEST
from minibento.store.store import Store
from minibento.tag import Tag

__all__ = ["FILE_SUFFIX", "bundle_file", "bundle_folder", "bundle_tag"]

FILE_SUFFIX = ".bundle"


def bundle_folder(folder: Path) -> Place | None:
    """The service of the bundle that lies in a folder; None: none does."""
    from minibento.bundles.layout import CODE

    if not (folder / MANIFEST).is_file() or not (folder / CODE).is_dir():
        return None
    return _place(folder)


def bundle_file(path: Path) -> Place:
    """The service of an exported bundle, which is imported into the bundle store."""
    return _place(_store().import_(path).path)


def bundle_tag(target: str) -> Place | None:
    """The service of a bundle in the store; None: there is none of such a tag."""
    try:
        tag = Tag.parse(target)
    except MinibentoError:
        return None
    store = _store()
    known = {one.tag.name for one in store.list()} if store.folder.is_dir() else set()
    return _place(store.get(tag).path) if tag.name in known else None


def _store() -> Store:
    from minibento.store.home import local_store

    return local_store("bundles")


def _place(folder: Path) -> Place:
    from minibento.bundles.bundle import Bundle
    from minibento.packager.serving import place_of

    return place_of(Bundle(folder.resolve()))
