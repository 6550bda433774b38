"""`file://` against folders that somebody else can write to, and writers that die."""

import hashlib
import os
from pathlib import Path

import pytest

from minibento.errors import Corrupt, StoreError
from minibento.store.store import Store
from tests.remotes.conftest import FILES, fetch, send
from tests.remotes.test_transfer import untouched
from tests.store.conftest import Save


@pytest.fixture
def share(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "share"


def test_the_folder_is_made_and_needs_no_library(save: Save, other: Store, share: Path) -> None:
    moved = send(save(files=FILES), f"file://{share}:production")
    names = {path.relative_to(share).parts[0] for path in share.rglob("*")}
    assert names == {"blobs", "tags"}
    assert not [path for path in share.rglob("*") if path.name.startswith(".")]
    assert fetch(other, moved.url).tag == moved.tag


@pytest.mark.parametrize("kind", ["link", "pipe", "folder", "link above"])
def test_what_is_no_plain_file_is_refused(
    save: Save, other: Store, share: Path, tmp_path: Path, kind: str
) -> None:
    moved = send(save(files=FILES), f"file://{share}")
    sha256 = hashlib.sha256(FILES["model.bin"]).hexdigest()
    blob = share / "blobs" / "sha256" / sha256[:2] / sha256
    if kind == "link above":
        blob.parent.rename(tmp_path / "moved")
        blob.parent.symlink_to(tmp_path / "moved")
    else:
        blob.rename(tmp_path / "moved")
    if kind == "link":
        blob.symlink_to(tmp_path / "moved")
    elif kind == "pipe":
        os.mkfifo(blob)
    elif kind == "folder":
        blob.mkdir()
    with pytest.raises(Corrupt, match=r"link|regular file"):
        fetch(other, moved.url)
    assert untouched(other)


def test_a_write_that_breaks_off_leaves_nothing(
    save: Save, share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="No space left on device: free some space"):
        send(save(), f"file://{share}")
    assert [path for path in share.rglob("*") if path.is_file()] == []


def test_what_has_a_name_was_flushed_before_it_got_it(
    save: Save, share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: set[int] = set()
    flush = os.fsync

    def noted(descriptor: int) -> None:
        name = Path(f"/proc/self/fd/{descriptor}").readlink().name
        if os.fstat(descriptor).st_nlink == 1:  # a file, no folder
            assert name.startswith(".")
            flushed.add(os.fstat(descriptor).st_ino)
        flush(descriptor)

    entry = save(files=FILES)
    monkeypatch.setattr(os, "fsync", noted)
    send(entry, f"file://{share}:production")
    files = [path for path in share.rglob("*") if path.is_file()]
    assert {path.stat().st_ino for path in files} == flushed
    assert len(files) == 5


def test_a_content_of_another_size_is_written_again(save: Save, other: Store, share: Path) -> None:
    entry = save(files=FILES)
    moved = send(entry, f"file://{share}")
    sha256 = hashlib.sha256(FILES["model.bin"]).hexdigest()
    blob = share / "blobs" / "sha256" / sha256[:2] / sha256
    blob.write_bytes(b"cut off")
    assert send(entry, f"file://{share}").sent == len(FILES["model.bin"])
    other.verify(fetch(other, moved.url).tag)


def test_a_name_that_is_no_manifest_is_refused(save: Save, other: Store, share: Path) -> None:
    moved = send(save(), f"file://{share}")
    (share / "tags" / "other.json").write_text("{}")
    (share / "tags" / "-rf.json").write_text("{}")
    with pytest.raises(Corrupt, match=r"other cannot be read.*push the version again"):
        fetch(other, f"file://{share}:other")
    assert fetch(other, moved.url).tag == moved.tag


def test_a_file_where_the_folder_should_be_is_said(save: Save, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="a file stands where a folder should"):
        send(save(), f"file://{tmp_path}/file")
