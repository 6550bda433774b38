"""The store's face: finding, listing, aliases, deletion, bad tags (S12) and bad stores (S8)."""

import json
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from minibento.errors import (
    AlreadyExists,
    Corrupt,
    InUse,
    InvalidTag,
    MinibentoError,
    NotFound,
    StoreError,
)
from minibento.store.store import Broken, Store
from minibento.tag import Tag
from tests.store.conftest import Save
from tests.test_tag import BAD_NAMES


def tags(store: Store, name: str | None = None) -> list[str]:
    return [str(one.tag) for one in store.list(name)]


# Finding ------------------------------------------------------------------------------------------


def test_a_version_is_found_by_name_version_latest_alias_and_prefix(
    store: Store, save: Save
) -> None:
    entry = save()
    store.alias("credit", "production")
    version = str(entry.tag.version)
    for text in ("credit", f"credit:{version}", "credit:latest", "credit:production"):
        assert store.get(text).tag == entry.tag
    assert store.get(f"credit:{version[:4]}").tag == store.get(entry.tag).tag == entry.tag
    assert store.get("credit").aliases == ("production",)


def test_latest_is_the_last_save_whatever_the_clock_says(store: Store, save: Save) -> None:
    state = save(version="v1").path.with_name(".state.json")
    data = json.loads(state.read_text())
    future = datetime.now(UTC) + timedelta(days=1000)
    data["versions"]["v1"]["created"] = future.isoformat()
    state.write_text(json.dumps(data))
    save(version="v2", content="two")
    assert str(store.get("credit").tag) == "credit:v2"
    assert tags(store) == ["credit:v2", "credit:v1"]


def test_what_is_not_there_says_what_is_near(store: Store, save: Save) -> None:
    save("credit_risk", version="2026-01")
    with pytest.raises(NotFound, match=r"did you mean credit_risk\?; see: minibento models list"):
        store.get("credit_risc")
    with pytest.raises(NotFound, match="credit_risk:2026-02 not found: did you mean 2026-01"):
        store.get("credit_risk:2026-02")


def test_models_and_bundles_do_not_see_each_other(tmp_path: Path) -> None:
    models, bundles = Store(tmp_path), Store(tmp_path, "bundles")
    with bundles.draft("credit") as draft:
        draft.publish({})
    assert models.list() == []
    assert [str(one.tag.name) for one in bundles.list()] == ["credit"]


def test_a_name_may_be_called_latest(store: Store, save: Save) -> None:
    entry = save("latest")
    assert store.get("latest").tag == store.get("latest:latest").tag == entry.tag


@pytest.mark.parametrize("name", BAD_NAMES, ids=ascii)
def test_a_bad_tag_is_refused_everywhere_and_nothing_is_touched(
    store: Store, save: Save, name: str
) -> None:
    save(version="v1")
    root = store.folder.parents[1]
    before = sorted(root.rglob("*"))
    uses: list[Callable[[], object]] = [
        lambda: store.get(name),
        lambda: store.get(f"credit:{name}"),
        lambda: store.list(name),
        lambda: store.verify(f"credit:{name}"),
        lambda: store.delete(f"credit:{name}", force=True),
        lambda: store.delete(name, force=True),
        lambda: store.draft(name).__enter__(),
        lambda: store.alias("credit", name),
        lambda: store.alias(name, "production"),
        lambda: store.unalias(name, "production"),
        lambda: store.unalias("credit", name),
        lambda: store.rollback(name, "production"),
        lambda: store.rollback("credit", name),
        lambda: store.history(name, "production"),
        lambda: store.history("credit", name),
        lambda: store.aliases(name),
        lambda: store.export(name, root / "x"),
        lambda: save(version=name),
    ]
    for use in uses:
        with pytest.raises(InvalidTag):
            use()
    assert sorted(root.rglob("*")) == before


# Listing ------------------------------------------------------------------------------------------


def test_versions_are_listed_by_name_the_last_saved_first(store: Store, save: Save) -> None:
    save("b", version="v1")
    save("a", version="v1")
    save("a", version="v2")
    assert tags(store) == ["a:v2", "a:v1", "b:v1"]
    assert tags(store, "b") == ["b:v1"]
    assert tags(store, "c") == []


def test_broken_versions_hide_nothing(store: Store, save: Save) -> None:
    good = save(version="good", content="good")
    (save(version="no-manifest", content="1").path / "manifest.json").unlink()
    bad = save(version="bad-manifest", content="2").path / "manifest.json"
    bad.chmod(0o644)
    bad.write_text("{}")
    (good.path.parent / "link").symlink_to("nowhere")
    (good.path.parent / "Not A Version").mkdir()
    (good.path.parent / "stray-file").write_text("x")
    (store.folder / "stray-file").write_text("x")
    (store.folder / "empty").mkdir()
    found = {str(one.tag): one for one in store.list()}
    assert set(found) == {
        "credit:good", "credit:no-manifest", "credit:bad-manifest", "credit:link"
    }  # fmt: skip
    broken = {tag for tag, one in found.items() if isinstance(one, Broken)}
    assert broken == set(found) - {"credit:good"}
    assert store.get("credit:good") == good


def test_a_broken_version_can_be_deleted(store: Store, save: Save) -> None:
    entry = save(version="v1")
    (entry.path / "manifest.json").unlink()
    store.delete("credit:v1")
    assert store.list() == []


def test_a_version_whose_writer_died_before_entering_it_is_there_and_older_than_all_entered(
    store: Store, save: Save
) -> None:
    lost = save(version="lost")
    state = lost.path.with_name(".state.json")
    state.unlink()
    assert str(store.get("credit").tag) == "credit:lost"
    save(version="v1", content="two")
    assert tags(store) == ["credit:v1", "credit:lost"]
    assert str(store.get("credit:lost").tag) == "credit:lost"
    save(version="lost")
    assert str(store.get("credit").tag) == "credit:lost"


def test_without_a_state_file_versions_are_ordered_by_their_files_times(
    store: Store, save: Save
) -> None:
    for age, version in enumerate(["new", "old", "older"]):
        path = save(version=version, content=version).path / "manifest.json"
        os.utime(path, (1e9 - age, 1e9 - age))
    path.parent.with_name(".state.json").unlink()
    assert tags(store) == ["credit:new", "credit:old", "credit:older"]
    assert store.get("credit").created == datetime.fromtimestamp(1e9, UTC)
    with pytest.raises(NotFound, match="no such version or alias"):
        store.get("credit:production")


def test_a_broken_state_file_leaves_exact_versions_usable_and_is_never_written_over(
    store: Store, save: Save
) -> None:
    entry = save(version="v1-long")
    store.alias("credit", "production")
    state = entry.path.with_name(".state.json")
    state.write_text("{")
    assert store.get("credit:v1-long").tag == store.get("credit:v1-l").tag == entry.tag
    listed = store.list()
    assert [type(one).__name__ for one in listed] == ["Broken", "Entry"]
    uses: list[Callable[[], object]] = [
        lambda: store.get("credit"),
        lambda: store.get("credit:production"),
        lambda: store.get("credit:latest"),
        lambda: store.aliases("credit"),
        lambda: store.alias("credit:v1-long", "x"),
        lambda: store.delete("credit:v1-long", force=True),
        lambda: save(content="two"),
    ]
    for use in uses:
        with pytest.raises(Corrupt, match="exact versions still work: remove that file"):
            use()
    assert state.read_text() == "{"
    assert len(store.list()) == 2


# Aliases ------------------------------------------------------------------------------------------


def test_an_alias_moves_keeps_its_history_and_goes_back_step_by_step(
    store: Store, save: Save
) -> None:
    for version in ("v1", "v2", "v3"):
        save(version=version, content=version)
        assert store.alias("credit", "production") == Tag("credit", version)
    assert [tag.version for tag in store.history("credit", "production")] == ["v1", "v2", "v3"]
    assert store.rollback("credit", "production") == Tag("credit", "v2")
    assert store.rollback("credit", "production") == Tag("credit", "v1")
    with pytest.raises(NotFound, match="nothing before 'v1'"):
        store.rollback("credit", "production")
    assert store.aliases("credit") == {"production": Tag("credit", "v1")}


def test_pointing_an_alias_where_it_points_already_is_no_move(store: Store, save: Save) -> None:
    save(version="v1")
    store.alias("credit", "production")
    store.alias("credit:production", "production")
    assert store.history("credit", "production") == [Tag("credit", "v1")]


def test_an_alias_is_not_called_like_a_version_or_latest(store: Store, save: Save) -> None:
    save(version="v1")
    with pytest.raises(AlreadyExists, match="credit:v1 is a version"):
        store.alias("credit", "v1")
    with pytest.raises(InvalidTag, match="always means the last save"):
        store.alias("credit", "latest")


def test_an_alias_points_only_at_what_is_there_and_whole(store: Store, save: Save) -> None:
    with pytest.raises(NotFound):
        store.alias("credit", "production")
    entry = save(version="v1")
    with pytest.raises(NotFound):
        store.alias("credit:v2", "production")
    (entry.path / "manifest.json").unlink()
    with pytest.raises(Corrupt):
        store.alias("credit", "production")
    assert store.aliases("credit") == {}


def test_a_removed_alias_is_gone_and_its_version_stays(store: Store, save: Save) -> None:
    save(version="v1")
    store.alias("credit", "production")
    store.unalias("credit", "production")
    assert tags(store) == ["credit:v1"]
    for use in (store.unalias, store.rollback, store.history):
        with pytest.raises(NotFound, match="no alias 'production': it has none"):
            use("credit", "production")


# Deleting -----------------------------------------------------------------------------------------


def test_an_aliased_version_is_deleted_only_with_force_and_its_alias_goes_with_it(
    store: Store, save: Save
) -> None:
    save(version="v1")
    store.alias("credit", "production")
    store.alias("credit", "staging")
    with pytest.raises(InUse, match=r"production, staging points at.*--force"):
        store.delete("credit:v1")
    store.delete("credit:v1", force=True)
    assert store.list() == []
    assert store.aliases("credit") == {}


def test_after_deleting_the_latest_the_save_before_is_latest(store: Store, save: Save) -> None:
    for version in ("v1", "v2", "v3"):
        save(version=version, content=version)
    save(version="v1", content="v1")
    store.delete("credit:latest")
    assert str(store.get("credit").tag) == "credit:v3"
    store.delete("credit:v3")
    assert str(store.get("credit").tag) == "credit:v2"


def test_a_deleted_version_is_no_longer_gone_back_to(store: Store, save: Save) -> None:
    for version in ("v1", "v2", "v3"):
        save(version=version, content=version)
        store.alias("credit", "production")
    store.delete("credit:v2")
    assert store.rollback("credit", "production") == Tag("credit", "v1")


def test_what_is_not_there_cannot_be_deleted(store: Store, save: Save) -> None:
    for tag in ("credit", "credit:v1"):
        with pytest.raises(NotFound):
            store.delete(tag)
    save(version="v1")
    with pytest.raises(NotFound):
        store.delete("credit:v2")
    store.delete("credit:v1")
    with pytest.raises(NotFound, match="has no versions"):
        store.delete("credit")


def test_a_version_removed_by_hand_leaves_an_alias_that_says_so(store: Store, save: Save) -> None:
    shutil.rmtree(save(version="v1").path.parent / "v1")
    save(version="v2", content="two")
    store.alias("credit", "production")
    shutil.rmtree(store.folder / "credit" / "v2")
    with pytest.raises(NotFound, match="'v2', which is gone"):
        store.get("credit:production")
    assert store.list() == []


# Stores in a bad way ------------------------------------------------------------------------------


def test_a_missing_store_is_empty_and_made_by_the_first_save(store: Store, save: Save) -> None:
    assert store.list() == []
    for use in (store.get, store.delete, store.verify, store.aliases):
        with pytest.raises(NotFound):
            use("credit")
    assert not store.folder.exists()
    save()
    assert len(store.list()) == 1


def a_file(root: Path) -> None:
    root.write_text("x")


def a_loop(root: Path) -> None:
    root.symlink_to(root)


def a_file_for_a_kind(root: Path) -> None:
    root.mkdir()
    (root / "models").write_text("x")


@pytest.mark.parametrize("spoil", [a_file, a_loop, a_file_for_a_kind])
def test_a_store_that_is_no_folder_is_one_clear_error_everywhere(
    store: Store, save: Save, spoil: Callable[[Path], None]
) -> None:
    root = store.folder.parent
    spoil(root)
    uses: list[Callable[[], object]] = [
        store.list,
        lambda: store.get("credit"),
        lambda: store.delete("credit"),
        lambda: store.alias("credit", "x"),
        lambda: store.aliases("credit"),
        lambda: store.verify("credit"),
        save,
    ]
    for use in uses:
        with pytest.raises(StoreError, match=f"{root}.*MINIBENTO_HOME"):
            use()


def test_a_link_to_a_folder_serves_as_a_store(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    with Store(tmp_path / "link").draft("credit") as draft:
        draft.publish({})
    assert len(Store(tmp_path / "real").list()) == 1


def test_every_error_of_a_spoiled_store_is_ours(store: Store, save: Save) -> None:
    save(version="v1")
    (store.folder / "credit" / ".lock").unlink()
    (store.folder / "credit" / ".lock").mkdir()
    with pytest.raises(MinibentoError):
        save(version="v2")
    shutil.rmtree(store.folder / ".staging")
    (store.folder / ".staging").write_text("x")
    with pytest.raises(StoreError, match="a file stands where a folder should"):
        save(version="v2")
    assert str(store.get("credit").tag) == "credit:v1"
