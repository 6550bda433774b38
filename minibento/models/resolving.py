"""From a tag to a model: the store or the served bundle, unless somebody above answers first."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from minibento.bundles.bundle import Bundle
from minibento.errors import UsageError
from minibento.models.model import Model
from minibento.store.entry import Entry
from minibento.store.home import local_store
from minibento.tag import LATEST, Tag

__all__ = ["get", "load_as", "pin", "recording", "resolving"]

# Innermost last. Service modules call `get` while they are imported, so nothing can be passed in.
_OVERRIDES: list[dict[Tag, Model | None]] = []
# What the store has answered while somebody records it.
_RECORDS: list[dict[str, str]] = []


def get(tag: str | Tag) -> Model:
    """The model of a tag: exact version, alias, `latest` (also without version), unique prefix.

    Raises:
        InvalidTag: it is no tag.
        NotFound: nothing in the store fits it.
        Corrupt: its manifest cannot be read.
    """
    wanted = _exact(tag)
    for override in reversed(_OVERRIDES):
        if wanted in override:
            return override[wanted] or Model(wanted, None)
    entry = _found(wanted)
    for record in _RECORDS:
        record[str(wanted)] = str(entry.tag)
    return Model(entry.tag, entry)


def load_as(framework: str, tag: str | Tag) -> Any:
    """Load a model that `framework` saved; UsageError if another one did."""
    model = get(tag)
    if model.framework not in (framework, ""):
        raise UsageError(
            f"{model.tag} was saved by {model.framework}, not by {framework}: "
            "minibento.models.get(tag).load() loads any model"
        )
    return model.load()


@contextmanager
def resolving(models: Mapping[str, Model | None]) -> Iterator[None]:
    """Within the block `get` answers these tags from here; None stands for a placeholder.

    Tags that are not named go on to what was in force before: outer blocks, then the store.
    """
    override = {_exact(tag): model for tag, model in models.items()}
    _OVERRIDES.append(override)
    try:
        yield
    finally:
        # By identity: two blocks that name the same tags are equal, and may end in any order.
        index = next(i for i, one in enumerate(_OVERRIDES) if one is override)
        del _OVERRIDES[index]


@contextmanager
def recording() -> Iterator[dict[str, str]]:
    """Within the block, what the store answers is noted: each tag asked for, with its version."""
    record: dict[str, str] = {}
    _RECORDS.append(record)
    try:
        yield record
    finally:
        _RECORDS[:] = [one for one in _RECORDS if one is not record]


def pin(versions: Mapping[str, str]) -> None:
    """From now on, let these tags stand for these versions, whatever the store comes to say.

    Raises what `get` raises.
    """
    _OVERRIDES.append({Tag.parse(tag): get(version) for tag, version in versions.items()})


def _found(wanted: Tag) -> Entry:
    """In the bundle that this process serves, and nowhere else; without one, in the store."""
    folder = os.environ.get("MINIBENTO_BUNDLE")
    return local_store().get(wanted) if not folder else _bundle(folder).model(wanted)


@cache
def _bundle(folder: str) -> Bundle:
    return Bundle(Path(folder))


def _exact(tag: str | Tag) -> Tag:
    parsed = Tag.parse(tag)
    return parsed if parsed.version is not None else Tag(parsed.name, LATEST)
