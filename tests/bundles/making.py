"""Bundles made by hand, for tests of what reads and serves them."""

import io
import shutil
import sysconfig
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import minibento
from minibento.bundles import layout
from minibento.bundles.facts import Facts
from minibento.bundles.machine import this_platform, this_python
from minibento.packager import wheels
from minibento.packager.bootstrap import bootstrap_source
from minibento.packager.environment import environment_name
from minibento.store.entry import Entry
from minibento.store.home import local_store
from minibento.tag import LATEST, Tag

__all__ = ["facts", "files", "installable", "make_bundle", "runnable"]


def facts(**other: Any) -> Facts:
    """Facts of a bundle that can run here."""
    given = {
        "service": "service:Doubling",
        "models": {},
        "runners": {},
        "python": this_python(),
        "platform": this_platform(),
        "minibento": minibento.__version__,
    }
    whole = {**given, **other}
    name = environment_name(b"", whole["python"], whole["platform"])
    return Facts(**{"environment": name, **whole})


def make_bundle(
    code: str,
    *tags: str,
    name: str = "doubling",
    files: Mapping[str, str | bytes] | None = None,
    **other: Any,
) -> Entry:
    """A bundle of this code and these stored models, in the store, with an empty lock."""
    asked = [Tag(tag.name, tag.version or LATEST) for tag in map(Tag.parse, tags)]
    models = {str(tag): str(minibento.models.get(tag).tag) for tag in asked}
    contents = {layout.ENVIRONMENT: "", layout.OPENAPI: '{"paths": {}}'}
    contents[f"{layout.CODE}/service.py"] = code
    with local_store("bundles").draft(name) as draft:
        for exact in map(Tag.parse, models.values()):
            stored = local_store().get(exact).path
            shutil.copytree(stored, draft.path / layout.model_folder(exact))
        for path, content in {**contents, **(files or {})}.items():
            (draft.path / path).parent.mkdir(parents=True, exist_ok=True)
            data = content if isinstance(content, bytes) else content.encode()
            (draft.path / path).write_bytes(data)
        recorded = facts(**{"models": models, **other})
        if "environment" not in other:
            lock = (draft.path / layout.ENVIRONMENT).read_bytes()
            named = environment_name(lock, recorded.python, recorded.platform)
            recorded = replace(recorded, environment=named)
        return draft.publish(recorded.to_json())


def installable(
    folder: Path,
    *tags: str,
    code: str,
    files: Mapping[str, str | bytes] | None = None,
    **other: Any,
) -> Path:
    """An exported bundle with minibento inside and no library."""
    wheel = wheels.own_wheel()
    inside = {layout.MAIN: bootstrap_source(), f"{layout.WHEELS}/{wheel.name}": wheel.data}
    entry = make_bundle(code, *tags, files={**inside, **(files or {})}, **other)
    return local_store("bundles").export(entry.tag, folder)


def runnable(folder: Path, *tags: str, code: str, **other: Any) -> Path:
    """The same, with an environment made in a second: its libraries are those of this one."""
    libraries = io.BytesIO()
    info = "borrowed-1.0.dist-info"
    with zipfile.ZipFile(libraries, "w") as wheel:
        wheel.writestr("borrowed.pth", f"{sysconfig.get_path('purelib')}\n")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: borrowed\nVersion: 1.0\n")
        tags_ = "Root-Is-Purelib: true\nTag: py3-none-any\n"
        wheel.writestr(f"{info}/WHEEL", f"Wheel-Version: 1.0\nGenerator: test\n{tags_}")
        wheel.writestr(f"{info}/RECORD", "")
    borrowed = wheels.Wheel("borrowed-1.0-py3-none-any.whl", libraries.getvalue())
    lock = wheels.environment_lock(b"", [wheels.own_wheel(), borrowed])
    inside = {layout.ENVIRONMENT: lock, f"{layout.WHEELS}/{borrowed.name}": borrowed.data}
    return installable(folder, *tags, code=code, files=inside, vendored=True, **other)


def files(entry: Entry) -> set[Path]:
    """Every file that lies in a bundle's folder now."""
    return {path.relative_to(entry.path) for path in entry.path.rglob("*") if path.is_file()}
