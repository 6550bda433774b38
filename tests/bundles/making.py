"""Bundles made by hand, for tests of what reads and serves them."""

import shutil
from pathlib import Path
from typing import Any

import minibento
from minibento.bundles import layout
from minibento.bundles.facts import Facts
from minibento.bundles.machine import this_platform, this_python
from minibento.store.entry import Entry
from minibento.store.home import local_store
from minibento.tag import LATEST, Tag

__all__ = ["facts", "files", "make_bundle"]


def facts(**other: Any) -> Facts:
    """Facts of a bundle that can run here."""
    given = {
        "service": "service:Doubling",
        "models": {},
        "runners": {},
        "python": this_python(),
        "platform": this_platform(),
        "minibento": minibento.__version__,
        "environment": "none",
    }
    return Facts(**{**given, **other})


def make_bundle(service: str, *tags: str, name: str = "doubling", **other: Any) -> Entry:
    """A bundle of this code and these stored models, in the store, with an empty lock."""
    asked = [Tag(tag.name, tag.version or LATEST) for tag in map(Tag.parse, tags)]
    models = {str(tag): str(minibento.models.get(tag).tag) for tag in asked}
    texts = {layout.ENVIRONMENT: "", layout.OPENAPI: '{"paths": {}}', **other.pop("files", {})}
    with local_store("bundles").draft(name) as draft:
        for exact in map(Tag.parse, models.values()):
            stored = local_store().get(exact).path
            shutil.copytree(stored, draft.path / layout.model_folder(exact))
        for path, text in {f"{layout.CODE}/service.py": service, **texts}.items():
            (draft.path / path).parent.mkdir(parents=True, exist_ok=True)
            (draft.path / path).write_text(text)
        return draft.publish(facts(models=models, **other).to_json())


def files(entry: Entry) -> set[Path]:
    """Every file that lies in a bundle's folder now."""
    return {path.relative_to(entry.path) for path in entry.path.rglob("*") if path.is_file()}
