"""list, delete, alias, rollback."""

from pathlib import Path

import pytest

from minibento import models, picklable_model
from minibento.errors import InUse, NotFound
from minibento.store.store import Broken
from minibento.tag import Tag


def save(name: str, answer: int) -> Tag:
    return picklable_model.save_model(name, lambda _: answer, check=False)


def test_an_empty_store_lists_nothing() -> None:
    assert models.list() == []


def test_list_gives_every_version_or_those_of_one_name() -> None:
    saved = {save("a", 1), save("a", 2), save("b", 1)}
    assert {model.tag for model in models.list()} == saved
    assert {model.tag.name for model in models.list("b")} == {"b"}


def test_a_broken_entry_hides_no_other(home: Path) -> None:
    good, bad = save("a", 1), save("a", 2)
    manifest = models.get(bad).path / "manifest.json"
    manifest.chmod(0o644)
    manifest.write_text("{")
    listed = {entry.tag: entry for entry in models.list()}
    assert isinstance(listed[good], models.Model)
    assert isinstance(listed[bad], Broken)


def test_an_alias_moves_and_goes_back() -> None:
    first, second = save("a", 1), save("a", 2)
    assert models.alias(first, "production") == first
    assert models.alias("a:latest", "production") == second
    assert models.get("a:production").tag == second
    assert models.rollback("a", "production") == first
    assert models.get("a:production").tag == first


def test_an_aliased_version_is_deleted_only_with_force() -> None:
    tag = save("a", 1)
    models.alias(tag, "production")
    with pytest.raises(InUse):
        models.delete(tag)
    models.delete(tag, force=True)
    with pytest.raises(NotFound):
        models.get(tag)
