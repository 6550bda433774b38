"""Locks that die with their holder."""

import errno
import fcntl
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from minibento.store.locks import hold, hold_folder, try_hold

HOLD = """
import sys
from pathlib import Path
from minibento.store.locks import hold
with hold(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_one_thread_waits_for_another(tmp_path: Path) -> None:
    order: list[str] = []

    def other() -> None:
        with hold(tmp_path / "lock"):
            order.append("second")

    with hold(tmp_path / "lock"):
        thread = threading.Thread(target=other)
        thread.start()
        with try_hold(tmp_path / "lock") as held:
            assert not held
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]


def test_a_killed_holder_lets_go(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with try_hold(lock) as held:
            assert not held
        process.kill()
        process.wait(10)
        with try_hold(lock) as held:
            assert held


def test_a_lock_file_that_was_removed_while_waiting_is_no_lock(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    entered = threading.Event()

    def other() -> None:
        with hold(lock):
            entered.set()

    with hold(lock):
        thread = threading.Thread(target=other)
        thread.start()
        lock.unlink()
    thread.join(10)
    assert entered.is_set()
    assert lock.exists()


def test_who_cannot_see_whether_a_lock_counts_holds_none(tmp_path: Path) -> None:
    folder, moved = tmp_path / "folder", tmp_path / "moved"
    folder.mkdir()
    failed: list[BaseException] = []

    def other() -> None:
        try:
            with hold(folder / "lock"):
                pass
        except OSError as error:
            failed.append(error)

    with hold(folder / "lock"):
        thread = threading.Thread(target=other)
        thread.start()
        _until_somebody_waits_for(folder / "lock")
        folder.rename(moved)
        folder.write_bytes(b"")
    thread.join(10)
    assert [type(error) for error in failed] == [NotADirectoryError]
    with try_hold(moved / "lock") as held:
        assert held


def _until_somebody_waits_for(lock: Path) -> None:
    inode = f":{lock.stat().st_ino} "
    until = time.monotonic() + 10
    while not any(
        "->" in line and inode in line for line in Path("/proc/locks").read_text().splitlines()
    ):
        assert time.monotonic() < until
        time.sleep(0.001)


def test_the_folder_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), hold(tmp_path / "missing" / "lock"):
        pass


def test_a_folder_is_held_by_one_and_gets_no_file(tmp_path: Path) -> None:
    held = []

    def wait() -> None:
        with hold_folder(tmp_path):
            held.append("second")

    with hold_folder(tmp_path):
        other = threading.Thread(target=wait)
        other.start()
        other.join(0.2)
        held.append("first")
    other.join(10)
    assert held == ["first", "second"]
    assert list(tmp_path.iterdir()) == []


def test_where_no_folder_can_be_locked_nobody_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(descriptor: int, operation: int) -> None:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))

    monkeypatch.setattr(fcntl, "flock", refused)
    with hold_folder(tmp_path):
        pass
