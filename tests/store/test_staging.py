"""Work in progress and the debris of the dead."""

import errno
import fcntl
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from minibento.errors import StoreError
from minibento.store.locks import hold
from minibento.store.staging import collect, scratch, stage

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


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The system's folder for temporary files, for this test."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_killed_processs_temporary_folder_is_removed_by_the_next_one(temporary: Path) -> None:
    killed = [sys.executable, "-c", DIE.replace("stage(Path(sys.argv[1]))", "scratch()")]
    killed[2] = killed[2].replace("import stage", "import scratch")
    died = subprocess.run(
        killed, env={**os.environ, "TMPDIR": str(temporary)}, check=False, timeout=60
    )
    assert died.returncode == -9
    (debris,) = temporary.iterdir()
    assert (debris / "half").exists()
    with scratch() as folder:
        assert list(temporary.iterdir()) == [folder]
        with scratch() as second:
            assert {*temporary.iterdir()} == {folder, second}
    assert list(temporary.iterdir()) == []


def test_what_else_lies_among_temporary_files_is_left_alone(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (temporary / "minibento-1000").mkdir()
    (temporary / "minibento-tmp-file").touch()
    (temporary / "minibento-tmp-link").symlink_to(temporary / "minibento-1000")
    before = set(temporary.iterdir())
    with scratch() as folder:
        assert set(temporary.iterdir()) == {*before, folder}
        (temporary / "minibento-tmp-another").mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with scratch() as folder:
        assert set(temporary.iterdir()) == {*before, temporary / "minibento-tmp-another", folder}
    assert list((temporary / "minibento-1000").iterdir()) == []


def test_where_no_temporary_folder_can_be_made_it_says_where(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(temporary / "gone"))
    with (
        pytest.raises(StoreError, match=f"cannot make a temporary folder: {temporary}/gone"),
        scratch(),
    ):
        pass


def test_stray_files_do_not_disturb(tmp_path: Path) -> None:
    (tmp_path / "stray").write_text("x")
    (tmp_path / "alive").mkdir()
    with hold(tmp_path / "alive" / "lock"):
        collect(tmp_path)
        assert {path.name for path in tmp_path.iterdir()} == {"stray", "alive"}


NO_ROOM = """
import resource, sys
from minibento.errors import StoreError
from minibento.store.staging import scratch
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
try:
    with scratch():
        pass
except StoreError as error:
    print(error)
"""


def test_where_the_system_has_no_room_for_temporary_files_the_refusal_says_what_to_do() -> None:
    command = [sys.executable, "-c", NO_ROOM]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    assert said.startswith("cannot make a temporary folder: No usable temporary directory found")
    assert "TMPDIR" in said
