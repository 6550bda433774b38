"""Work in progress and the debris of the dead."""

import errno
import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from minibento.store.locks import hold
from minibento.store.staging import collect, stage

DIE = """
import os, sys
from pathlib import Path
from minibento.store.staging import stage
with stage(Path(sys.argv[1])) as folder:
    (folder / "half").write_text("x")
    os.kill(os.getpid(), 9)
"""


def test_a_staging_folder_is_gone_after_the_block_also_when_it_raises(tmp_path: Path) -> None:
    area = tmp_path / "new" / "area"

    def work(number: int) -> None:
        with stage(area) as folder:
            (folder / "a").mkdir()
            (folder / "a" / "b").write_text(str(number))
            (folder / "a").chmod(0o500)
            (folder / "c").write_text(str(1 / number))

    work(1)
    assert list(area.iterdir()) == []
    with pytest.raises(ZeroDivisionError):
        work(0)
    assert list(area.iterdir()) == []


def test_a_killed_writers_folder_is_removed_by_the_next_writer(tmp_path: Path) -> None:
    died = subprocess.run([sys.executable, "-c", DIE, str(tmp_path)], check=False, timeout=60)
    assert died.returncode == -9
    (debris,) = tmp_path.iterdir()
    assert (debris / "half").exists()
    with stage(tmp_path) as folder:
        assert list(tmp_path.iterdir()) == [folder]


def test_a_living_writers_folder_is_left_alone(tmp_path: Path) -> None:
    with stage(tmp_path) as first:
        (first / "work").write_text("x")
        with stage(tmp_path) as second:
            assert second != first
        assert (first / "work").read_text() == "x"


def test_a_folder_whose_writer_died_before_it_locked_is_debris_too(tmp_path: Path) -> None:
    (tmp_path / "unlocked").mkdir()
    collect(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_locked_does_not_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(fcntl, "flock", full)
    with pytest.raises(OSError, match="No space left"), stage(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_stray_files_do_not_disturb(tmp_path: Path) -> None:
    (tmp_path / "stray").write_text("x")
    (tmp_path / "alive").mkdir()
    with hold(tmp_path / "alive" / "lock"):
        collect(tmp_path)
        assert {path.name for path in tmp_path.iterdir()} == {"stray", "alive"}
