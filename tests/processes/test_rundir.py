"""Where running servers are found."""

import fcntl
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from minibento.errors import StoreError
from minibento.processes import rundir
from minibento.processes.rundir import Running, base, make, servers


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder whose path leaves room for sockets, as pytest's own may not."""
    with tempfile.TemporaryDirectory() as made:
        yield Path(made).resolve()


def named(path: Path) -> dict[str, str]:
    return {"MINIBENTO_RUN_DIR": str(path)}


def test_the_variable_goes_before_the_session_and_that_before_the_temporary_folder(
    short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(short))
    own, session = short / "own", {"XDG_RUNTIME_DIR": str(short)}
    assert base({**named(own), **session}) == own
    assert base(session) == short / "minibento"
    assert base({}) == short / f"minibento-{os.geteuid()}"
    assert not list(short.iterdir())


def test_a_session_that_is_gone_or_another_users_is_none(
    short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(short))
    usual = short / f"minibento-{os.geteuid()}"
    assert base({"XDG_RUNTIME_DIR": str(short / "gone")}) == usual
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    assert base({"XDG_RUNTIME_DIR": str(short)}) == short / "minibento-12345"


def test_a_path_that_leaves_no_room_for_sockets_is_not_taken_and_it_is_said(short: Path) -> None:
    fits = short / ("x" * (58 - len(str(short)) - 1))
    said: list[str] = []
    assert base(named(fits), said.append) == fits
    assert said == []
    assert base(named(Path(f"{fits}x")), said.append) == rundir._temporary()
    assert said[0].startswith(f"run directory {fits}x is too long for sockets, which allow 58 byte")
    assert "MINIBENTO_RUN_DIR" in said[0]


def test_the_longest_name_fits_a_socket(short: Path) -> None:
    fits = short / ("x" * (58 - len(str(short)) - 1))
    made = make(fits, 4194304)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(made.path / ("s" * rundir.LONGEST_NAME)))


def test_a_server_is_found_while_its_process_holds_it(short: Path) -> None:
    where = short / "run"
    assert servers(named(where)) == []
    assert not where.exists()
    mine = make(where)
    assert where.stat().st_mode & 0o777 == 0o700
    assert mine.path.stat().st_mode & 0o777 == 0o700
    (unnamed,) = servers(named(where))
    assert unnamed == Running("", os.getpid(), "", where / str(os.getpid()))
    mine.publish("Credit", "http://127.0.0.1:3000")
    (found,) = servers(named(where))
    assert found == Running("Credit", os.getpid(), "http://127.0.0.1:3000", mine.path)
    (mine.path / "control.sock").touch()
    mine.remove()
    assert servers(named(where)) == []
    assert not mine.path.exists()


def test_servers_are_sorted_by_name_and_process_id(short: Path) -> None:
    made = [make(short / "run", pid) for pid in (30, 4, 5)]
    for one, name in zip(made, ("a", "b", "a"), strict=True):
        one.publish(name, "")
    assert [(one.name, one.pid) for one in servers(named(short / "run"))] == [
        ("a", 5),
        ("a", 30),
        ("b", 4),
    ]


HOLD = """
import sys
from pathlib import Path
from minibento.processes.rundir import make
made = make(Path(sys.argv[1]))
made.publish("Dead", "")
print("made", flush=True)
sys.stdin.read()
"""


def test_what_a_killed_server_left_is_removed(short: Path) -> None:
    where = short / "run"
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(where)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "made\n"
        assert [one.name for one in servers(named(where))] == ["Dead"]
        process.send_signal(signal.SIGKILL)
        process.wait(20)
    assert (where / str(process.pid)).exists()
    assert servers(named(where)) == []
    assert not (where / str(process.pid)).exists()
    (where / "77").mkdir()
    (where / "notes").mkdir()
    mine = make(where)
    assert {path.name for path in where.iterdir()} == {"lock", "notes", mine.path.name}


def test_a_running_servers_folder_is_locked_against_those_who_remove_old_files(
    short: Path,
) -> None:
    held = make(short)
    folder = os.open(held.path, os.O_RDONLY)
    with pytest.raises(BlockingIOError):
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    held.remove()
    fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(folder)


def test_a_folder_that_cannot_be_written_is_told_with_the_mend(short: Path) -> None:
    held = make(short)
    (held.path / ".info.json").mkdir()
    with pytest.raises(StoreError, match="set MINIBENTO_RUN_DIR"):
        held.publish("name", "url")
    held.remove()


def test_a_process_id_is_taken_once(short: Path) -> None:
    make(short, 1)
    with pytest.raises(StoreError, match="another server's that runs with the same process id"):
        make(short, 1)


def test_a_dead_servers_process_id_can_be_had_again(short: Path) -> None:
    (short / "1").mkdir()
    (short / "1" / "g1-model-0.sock").touch()
    assert list(make(short, 1).path.iterdir()) == [short / "1" / "lock"]


def test_a_symbolic_link_is_not_followed(short: Path) -> None:
    (short / "real").mkdir(mode=0o700)
    (short / "link").symlink_to(short / "real")
    for ask in (lambda: make(short / "link"), lambda: servers(named(short / "link"))):
        with pytest.raises(StoreError, match="is a symbolic link and is not followed"):
            ask()
    assert not list((short / "real").iterdir())


def test_a_folder_of_another_user_is_refused(short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = short.stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    with pytest.raises(StoreError, match=f"belongs to user {owner}, not to {owner + 1}"):
        make(short)


def test_a_folder_that_others_may_write_is_refused(short: Path) -> None:
    short.chmod(0o770)
    with pytest.raises(StoreError, match=r"may be written by others \(mode 0770\): chmod 0700"):
        make(short)
    short.chmod(0o755)  # as systemd makes it
    assert make(short).path.is_dir()


def test_a_file_in_the_folders_place_is_refused(short: Path) -> None:
    (short / "file").touch()
    with pytest.raises(StoreError, match="is no folder"):
        make(short / "file")
    with pytest.raises(StoreError, match="cannot be used: Not a directory"):
        make(short / "file" / "below")


def test_what_is_wrong_with_the_temporary_folder_hides_no_server(
    short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = short / "bad"
    bad.touch()
    monkeypatch.setattr(rundir, "_temporary", lambda: bad)
    mine = make(short / "minibento")
    mine.publish("Credit", "")
    assert [one.name for one in servers({"XDG_RUNTIME_DIR": str(short)})] == ["Credit"]


def test_a_server_without_a_session_is_found_from_one(
    short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rundir, "_temporary", lambda: short / "temporary")
    make(short / "temporary").publish("Cron", "")
    assert [one.name for one in servers({"XDG_RUNTIME_DIR": str(short)})] == ["Cron"]


def test_an_unreadable_info_is_no_name(short: Path) -> None:
    mine = make(short, 5)
    for content in ("", "[]", "{"):
        (mine.path / "info.json").write_text(content)
        assert servers(named(short)) == [Running("", 5, "", short / "5")]


def test_who_keeps_the_lock_of_the_folder_holds_nobody_up_for_ever(
    short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rundir, "_PATIENCE_SECONDS", 0.02)
    made = make(short / "run", 1)
    lock = os.open(short / "run" / "lock", os.O_RDWR)
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        with pytest.raises(StoreError, match=r"run/lock cannot be used: another process has held"):
            make(short / "run", 2)
        with pytest.raises(StoreError, match="has held its lock for"):
            servers(named(short / "run"))
        made.remove()
    finally:
        os.close(lock)
    assert servers(named(short / "run")) == []
