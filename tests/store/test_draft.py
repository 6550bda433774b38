"""From a filled folder to a version."""

import os
import stat
from pathlib import Path

import pytest

from minibento.errors import AlreadyExists, Corrupt, InvalidTag, StoreError, UsageError
from minibento.store.store import Store
from tests.store.conftest import Save


def debris(store: Store) -> list[Path]:
    area = store.folder / ".staging"
    return list(area.iterdir()) if area.exists() else []


def test_a_published_version_lies_there_as_files_one_can_look_into(
    store: Store, save: Save
) -> None:
    entry = save(files={"a": b"12", "deep/er/b": b"3"}, about={"x": [1, None]})
    assert entry.path == store.folder / "credit" / str(entry.tag.version)
    assert (entry.path / "deep/er/b").read_bytes() == b"3"
    assert [(record.path, record.size) for record in entry.files] == [("a", 2), ("deep/er/b", 1)]
    assert (entry.size, entry.about) == (3, {"x": [1, None]})
    assert debris(store) == []


def test_files_are_read_only_and_folders_open_whatever_the_mask(store: Store) -> None:
    old = os.umask(0o077)
    try:
        with store.draft("credit") as draft:
            (draft.path / "sub").mkdir(mode=0o700)
            (draft.path / "sub" / "tool").write_text("x")
            (draft.path / "sub" / "tool").chmod(0o4755)
            entry = draft.publish({})
    finally:
        os.umask(old)
    modes = {
        path.name: stat.S_IMODE(path.stat().st_mode)
        for path in [entry.path, *entry.path.rglob("*")]
    }
    assert modes.pop(entry.path.name) == 0o755
    assert modes == {"sub": 0o755, "tool": 0o444, "manifest.json": 0o444}


def test_nothing_is_left_if_the_block_raises_or_does_not_publish(store: Store) -> None:
    def fill(number: int) -> None:
        with store.draft("credit") as draft:
            (draft.path / "a").write_text(str(1 / number))
            (draft.path / "b").write_text("x")

    fill(1)
    with pytest.raises(ZeroDivisionError):
        fill(0)
    assert debris(store) == []
    assert store.list() == []


def test_an_error_of_the_block_itself_is_passed_on_as_it_is(store: Store) -> None:
    with pytest.raises(FileNotFoundError), store.draft("credit") as draft:
        (draft.path / "missing").read_text()


def test_the_same_content_is_stored_once_and_becomes_latest_again(store: Store, save: Save) -> None:
    first = save(content="one")
    second = save(content="two")
    assert store.get("credit").tag == second.tag
    again = save(content="one")
    assert again.tag == first.tag
    assert again.created == first.created
    assert store.get("credit").tag == first.tag
    assert len(store.list()) == 2


def test_the_same_files_with_another_about_are_another_version(save: Save) -> None:
    assert save(about={"label": "a"}).tag != save(about={"label": "b"}).tag


def test_empty_folders_are_not_kept(store: Store) -> None:
    with store.draft("credit") as draft:
        (draft.path / "a" / "b").mkdir(parents=True)
        entry = draft.publish({})
    assert [path.name for path in entry.path.iterdir()] == ["manifest.json"]


def test_saving_damaged_content_again_mends_it(store: Store, save: Save) -> None:
    for damage in ("model.txt", "manifest.json"):
        entry = save()
        (entry.path / damage).chmod(0o644)
        (entry.path / damage).write_text("bad")
        assert save().tag == entry.tag
        assert store.verify(entry.tag).read("model.txt") == b"one"
    assert debris(store) == []


def test_a_damaged_explicit_version_is_not_replaced_by_what_may_be_something_else(
    save: Save,
) -> None:
    entry = save(version="v1")
    (entry.path / "manifest.json").unlink()
    with pytest.raises(Corrupt, match="delete credit:v1"):
        save(content="two", version="v1")


def test_an_explicit_version_takes_the_same_content_again_and_no_other(
    store: Store, save: Save
) -> None:
    assert str(save(version="v1").tag) == "credit:v1"
    save(version="v2", content="two")
    assert str(save(version="v1").tag) == "credit:v1"
    assert str(store.get("credit").tag) == "credit:v1"
    with pytest.raises(AlreadyExists, match="credit:v1 exists with other content: choose another"):
        save(version="v1", content="two")
    assert store.get("credit:v1").read("model.txt") == b"one"


def test_content_named_by_itself_and_by_its_author_are_two_versions(save: Save) -> None:
    assert save().tag != save(version="v1").tag


def test_a_version_cannot_be_called_latest_or_like_an_alias(store: Store, save: Save) -> None:
    store.alias(save().tag, "production")
    with pytest.raises(InvalidTag, match="always means the last save"):
        save(version="latest")
    with pytest.raises(AlreadyExists, match="credit:production is an alias"):
        save(version="production")
    with pytest.raises(InvalidTag):
        save(version="../x")
    assert debris(store) == []


@pytest.mark.parametrize("kind", ["link", "loop", "folder-link", "fifo"])
def test_what_is_no_file_is_refused_and_nothing_is_saved(store: Store, kind: str) -> None:
    targets = {"link": "/etc/passwd", "loop": "odd", "folder-link": ".."}
    with store.draft("credit") as draft:
        odd = draft.path / "sub" / "odd"
        odd.parent.mkdir()
        if kind == "fifo":
            os.mkfifo(odd)
        else:
            odd.symlink_to(targets[kind])
        with pytest.raises(StoreError, match="'sub/odd' is a link, pipe, socket or device"):
            draft.publish({})
    assert store.list() == []
    assert debris(store) == []


def test_a_manifest_of_the_users_own_is_refused_at_the_top_and_kept_below(
    store: Store, save: Save
) -> None:
    with pytest.raises(StoreError, match=r"'manifest\.json' is the name of the store's own file"):
        save(files={"manifest.json": b"{}"})
    assert save(files={"sub/manifest.json": b"{}"}).read("sub/manifest.json") == b"{}"


def test_a_file_name_that_is_not_utf8_is_refused(store: Store) -> None:
    with store.draft("credit") as draft:
        Path(os.fsdecode(os.fsencode(draft.path) + b"/\xff")).write_text("x")
        with pytest.raises(StoreError, match="not UTF-8"):
            draft.publish({})


def test_what_is_not_json_is_refused_and_nothing_is_saved(store: Store, save: Save) -> None:
    with pytest.raises(TypeError, match=r"about\['metadata'\] is a set"):
        save(about={"metadata": {1}})
    assert store.list() == []


def test_a_draft_is_published_once(store: Store) -> None:
    with store.draft("credit") as draft:
        draft.publish({})
        with pytest.raises(UsageError, match="published already"):
            draft.publish({})


def test_a_refused_draft_can_be_published_otherwise(store: Store, save: Save) -> None:
    save(version="v1")
    with store.draft("credit") as draft:
        (draft.path / "model.txt").write_text("two")
        with pytest.raises(AlreadyExists):
            draft.publish({}, "v1")
        assert str(draft.publish({}, "v2").tag) == "credit:v2"
