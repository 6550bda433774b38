"""Nothing is read that was not saved (cases S10 and S11)."""

import os
import random
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from minibento.errors import Corrupt, MinibentoError, NotFound
from minibento.frameworks.base import Files
from minibento.store import files
from minibento.store.files import VerifiedFiles
from minibento.store.manifest import MANIFEST
from minibento.store.store import Entry, Store
from tests.store.conftest import Save

CONTENT = {"a.bin": bytes(range(256)) * 20, "b.bin": bytes(256 * 20), "sub/c.txt": b"text"}


@pytest.fixture
def entry(save: Save) -> Entry:
    return save(files=CONTENT, about={"labels": {"owner": "risk"}})


def open_all(store: Store, entry: Entry) -> None:
    """What loading a model does: find it, then read its files."""
    found = store.get(entry.tag)
    for record in found.files:
        assert found.read(record.path) == CONTENT[record.path]


def test_files_are_what_an_adapter_wants(entry: Entry) -> None:
    opened: Files = entry.open_files()
    assert opened.read("sub/c.txt") == b"text"
    assert opened.path("a.bin").read_bytes() == CONTENT["a.bin"]
    assert entry.verified_path("a.bin") == entry.path / "a.bin"


def test_a_file_that_the_version_never_had_is_not_found_even_if_it_is_there(entry: Entry) -> None:
    (entry.path / "extra").write_text("x")
    for name in ("extra", "missing", "../../../.state.json", MANIFEST, "/etc/passwd"):
        with pytest.raises(NotFound, match="has no file"):
            entry.read(name)
        with pytest.raises(NotFound, match="has no file"):
            entry.verified_path(name)


def check_flips(store: Store, entry: Entry, times: int) -> None:
    """S10: each of so many changed bytes is found before anything is handed out."""
    random_ = random.Random(10)
    paths = [entry.path / name for name in (*CONTENT, MANIFEST)]
    for path in paths:
        path.chmod(0o644)
    for _ in range(times):
        path = random_.choice(paths)
        good = path.read_bytes()
        offset = random_.randrange(len(good))
        flipped = bytes([good[offset] ^ random_.randint(1, 255)])
        path.write_bytes(good[:offset] + flipped + good[offset + 1 :])
        with pytest.raises(Corrupt):
            open_all(store, entry)
        path.write_bytes(good)
    open_all(store, entry)


def test_each_of_a_thousand_flipped_bytes_is_found_before_anything_is_handed_out(
    store: Store, entry: Entry
) -> None:
    check_flips(store, entry, 1000)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def extend(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0")


def swap(path: Path) -> None:
    other = path.with_name("b.bin")
    path.rename(path.with_name("x"))
    other.rename(path)
    path.with_name("x").rename(other)


def link(path: Path) -> None:
    copy = Path(shutil.copy(path, path.parents[2] / "elsewhere"))
    path.unlink()
    path.symlink_to(copy)


def fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def bind(path: Path) -> None:
    path.unlink()
    with socket.socket(socket.AF_UNIX) as server:
        # A socket's path is limited to 107 bytes, so it is named from its folder.
        here = Path.cwd()
        os.chdir(path.parent)
        server.bind(path.name)
        os.chdir(here)


CHANGES = [Path.unlink, truncate, extend, swap, link, fifo, folder, bind]


def check_changed(store: Store, entry: Entry, change: Callable[[Path], None]) -> None:
    """S11: a file that was changed is refused by its name, by reading and by verifying."""
    change(entry.path / "a.bin")
    for use in (entry.read, entry.verified_path):
        with pytest.raises(Corrupt, match=r"'a\.bin'"):
            use("a.bin")
    with pytest.raises(Corrupt, match=r"'a\.bin'"):
        store.verify(entry.tag)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_changed_file_is_refused_by_name_by_reading_and_by_verifying(
    store: Store, entry: Entry, change: Callable[[Path], None]
) -> None:
    check_changed(store, entry, change)


def test_a_folder_that_became_a_link_is_refused(store: Store, entry: Entry) -> None:
    (entry.path / "sub").rename(entry.path.parent / "elsewhere")
    (entry.path / "sub").symlink_to(entry.path.parent / "elsewhere")
    with pytest.raises(Corrupt, match="behind a symbolic link"):
        entry.read("sub/c.txt")
    with pytest.raises(Corrupt):
        store.verify(entry.tag)


def check_added(store: Store, entry: Entry, make: Callable[[Path], None]) -> None:
    """S11: a file that does not belong is found by verifying."""
    make(entry.path / "sub" / "extra")
    with pytest.raises(Corrupt, match="'sub/extra' was not saved with it"):
        store.verify(entry.tag)


@pytest.mark.parametrize("make", [Path.touch, os.mkfifo, lambda path: path.symlink_to("a.bin")])
def test_a_file_that_does_not_belong_is_found_by_verifying(
    store: Store, entry: Entry, make: Callable[[Path], None]
) -> None:
    check_added(store, entry, make)


# A store that does not compare digests, one that follows links, one that does not look around.
BLIND = {
    "digests": (VerifiedFiles, "_check", lambda *_: None),
    "links": (files, "open_below", lambda folder, path: os.open(folder / path, os.O_RDONLY)),
    "others": (files, "walk", lambda *_: iter(())),
}


@pytest.mark.parametrize(
    ("blind", "check"),
    [
        ("digests", lambda store, entry: check_flips(store, entry, 100)),
        ("digests", lambda store, entry: check_changed(store, entry, swap)),
        ("links", lambda store, entry: check_changed(store, entry, link)),
        ("others", lambda store, entry: check_added(store, entry, Path.touch)),
    ],
)
def test_the_detector_sees_a_store_that_is_blind_to_a_change(
    store: Store,
    entry: Entry,
    monkeypatch: pytest.MonkeyPatch,
    blind: str,
    check: Callable[[Store, Entry], None],
) -> None:
    """The negative control of S10 and S11."""
    monkeypatch.setattr(*BLIND[blind])
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        check(store, entry)


def test_a_renamed_file_is_found(store: Store, entry: Entry) -> None:
    (entry.path / "a.bin").rename(entry.path / "z.bin")
    with pytest.raises(Corrupt):
        store.verify(entry.tag)
    with pytest.raises(Corrupt, match="is missing"):
        entry.read("a.bin")


def test_link_count_mode_and_empty_folders_are_no_matter(store: Store, entry: Entry) -> None:
    (entry.path.parents[2] / "second-name").hardlink_to(entry.path / "a.bin")
    (entry.path / "a.bin").chmod(0o600)
    (entry.path / "empty").mkdir()
    assert store.verify(entry.tag) == entry
    open_all(store, entry)


@pytest.mark.parametrize("change", [Path.unlink, truncate, extend, link, fifo, folder])
def test_a_changed_manifest_is_refused(
    store: Store, entry: Entry, change: Callable[[Path], None]
) -> None:
    (entry.path / MANIFEST).chmod(0o644)
    change(entry.path / MANIFEST)
    with pytest.raises(Corrupt, match=r"manifest\.json"):
        store.get(entry.tag)


def test_a_version_moved_under_another_name_or_version_is_refused(
    store: Store, entry: Entry
) -> None:
    shutil.copytree(entry.path, entry.path.with_name("v2"))
    shutil.copytree(entry.path, entry.path.parents[1] / "other" / str(entry.tag.version))
    for tag in ("credit:v2", "other"):
        with pytest.raises(Corrupt, match=f"the folder holds {entry.tag}"):
            store.get(tag)


def test_a_version_that_is_a_link_is_refused(store: Store, entry: Entry) -> None:
    entry.path.rename(entry.path.parents[2] / "elsewhere")
    entry.path.symlink_to(entry.path.parents[2] / "elsewhere")
    with pytest.raises(Corrupt, match="symbolic link"):
        store.get(entry.tag)
    with pytest.raises(Corrupt, match="symbolic link"):
        entry.read("a.bin")


def test_a_version_deleted_meanwhile_is_not_found_rather_than_corrupt(
    store: Store, entry: Entry
) -> None:
    store.delete(entry.tag)
    for use in (entry.read, entry.verified_path):
        with pytest.raises(NotFound, match="deleted meanwhile"):
            use("a.bin")
    with pytest.raises(MinibentoError):
        entry.open_files().verify()


def test_a_file_missing_because_its_version_is_replaced_just_now_is_not_corrupt(
    entry: Entry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def replaced(root: int, path: str) -> int:
        entry.path.rename(entry.path.parent / ".old")
        shutil.copytree(entry.path.parent / ".old", entry.path)
        raise Corrupt("is missing")

    monkeypatch.setattr(files, "_open_from", replaced)
    with pytest.raises(NotFound, match="deleted meanwhile"):
        entry.read("a.bin")
