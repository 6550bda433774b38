"""What the disk's errors become."""

import errno
import os
from pathlib import Path

import pytest

from minibento.errors import StoreError
from minibento.store import disk
from minibento.store.disk import (
    disk_errors,
    list_directory,
    make_directory,
    move,
    path_errors,
    remove_tree,
)


@pytest.mark.parametrize(
    ("number", "mend"),
    [
        (errno.ENOSPC, "free some space"),
        (errno.EDQUOT, "quota"),
        (errno.EROFS, "make it writable"),
        (errno.EACCES, "give this user access"),
        (errno.EIO, "disk reports a fault"),
        (errno.EMFILE, "check the folder"),
    ],
)
def test_each_error_names_the_path_and_the_mend(number: int, mend: str) -> None:
    with (
        pytest.raises(StoreError, match=f"cannot save: /store/x: .*{mend}") as caught,
        disk_errors("cannot save", Path("/store/x")),
    ):
        raise OSError(number, os.strerror(number))
    assert isinstance(caught.value.__cause__, OSError)


def test_the_errors_own_path_is_shown_rather_than_the_general_one(tmp_path: Path) -> None:
    with (
        pytest.raises(StoreError, match=f"{tmp_path}/missing: No such file"),
        disk_errors("cannot read", tmp_path),
    ):
        (tmp_path / "missing").read_bytes()


def test_a_file_that_is_not_there_is_named_with_the_path_that_was_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = f"cannot import: x.bundle: No such file.* {tmp_path}/x.bundle was looked for"
    with pytest.raises(StoreError, match=said), path_errors("cannot import", Path("x.bundle")):
        Path("x.bundle").read_bytes()


def test_a_file_in_the_way_of_a_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OSError, match="Not a directory"):
            make_directory(path if path.name == "below" else path / "x")
    assert (tmp_path / "file").read_text() == "x"


def test_a_folder_that_is_not_there_lists_as_empty_and_removes_without_error(
    tmp_path: Path,
) -> None:
    assert list_directory(tmp_path / "missing") == []
    remove_tree(tmp_path / "missing")


def test_a_move_that_the_disk_does_not_enter_is_undone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_text("a")
    move(tmp_path / "a", tmp_path / "b", entered=tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == ["b"]

    def refuse(path: Path) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(disk, "sync_directory", refuse)
    with pytest.raises(OSError, match="Input/output error"):
        move(tmp_path / "b", tmp_path / "c", entered=tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == ["b"]
