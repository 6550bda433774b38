"""A store in a folder of its own, and how to fill it."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from minibento.store.manifest import Json
from minibento.store.store import Entry, Store

Save = Callable[..., Entry]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "home")


@pytest.fixture
def save(store: Store) -> Save:
    def save(
        name: str = "credit",
        content: str = "one",
        *,
        version: str | None = None,
        about: Mapping[str, Json] | None = None,
        files: Mapping[str, bytes] | None = None,
    ) -> Entry:
        with store.draft(name) as draft:
            for path, data in (files or {"model.txt": content.encode()}).items():
                target = draft.path / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)
            return draft.publish(about or {}, version)

    return save
