"""What one does with models that are in the store; knows nothing of how they got there."""

import builtins

from minibento.models.model import Model
from minibento.store.home import local_store
from minibento.store.store import Broken
from minibento.tag import Tag

__all__ = ["alias", "delete", "list", "rollback"]


def list(name: str | None = None) -> "builtins.list[Model | Broken]":  # noqa: A001 -- the verb
    """Every model in the store, or every version of one name.

    An entry that cannot be read comes as `Broken`, with its tag and the error, and hides no other.
    """
    return [
        entry if isinstance(entry, Broken) else Model(entry.tag, entry)
        for entry in local_store().list(name)
    ]


def delete(tag: str | Tag, *, force: bool = False) -> None:
    """Remove one version.

    Raises:
        NotFound: there is none.
        InUse: an alias points at it and `force` was not given.
    """
    local_store().delete(tag, force=force)


def alias(tag: str | Tag, alias: str) -> Tag:
    """Let `name:alias` stand for this version from now on; returns the exact tag."""
    return local_store().alias(tag, alias)


def rollback(name: str, alias: str) -> Tag:
    """Let the alias stand again for what it stood for before; returns that exact tag."""
    return local_store().rollback(name, alias)
