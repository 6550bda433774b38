"""Where running servers of this user are found: one folder for each, with what it may be asked by.

Knows what a folder holds and whose it is; asks no server anything.
"""

import errno
import fcntl
import json
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from minibento.errors import StoreError

__all__ = ["CONTROL", "LONGEST_NAME", "RunDirectory", "Running", "base", "make", "servers"]

CONTROL = "control.sock"
# Bytes that a socket's name may take in a run directory.
LONGEST_NAME = 40
_LOCK = "lock"
# It is held for what takes milliseconds; but a process may be stopped in the middle of that.
_PATIENCE_SECONDS, _PAUSE_SECONDS = 5.0, 0.01
_INFO = "info.json"
# What the system takes as the path of a unix socket, in bytes.
_LONGEST_PATH = 107
# A folder's name, which is a process id, with its slashes.
_LONGEST_PID = len("/4194304/")


@dataclass(frozen=True, slots=True)
class Running:
    """A server that is running.

    Attributes:
        name: Its service's name, or what it was called; empty: it is still finding out.
        pid: Of its supervisor.
        url: Where it answers; empty: nowhere yet.
        directory: Its run directory.
    """

    name: str
    pid: int
    url: str
    directory: Path


class RunDirectory:
    """The run directory of this process, held until `remove`.

    Its lock is held by a descriptor: no child may inherit that, or the server seems to run on.
    """

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self._lock = lock
        # What cleans the folder for temporary files of what is old leaves alone what is locked.
        self._kept = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(self._kept, fcntl.LOCK_SH)

    def publish(self, name: str, url: str) -> None:
        """Say what the server is called and where it answers.

        Raises:
            StoreError: it cannot be written.
        """
        aside = self.path / f".{_INFO}"
        with _errors(self.path):
            aside.write_text(json.dumps({"name": name, "pid": int(self.path.name), "url": url}))
            aside.replace(self.path / _INFO)

    @property
    def is_gone(self) -> bool:
        """Whether somebody has removed it; where that cannot be seen, nobody has."""
        try:
            self.path.lstat()
        except FileNotFoundError:
            return True
        except OSError:  # somebody has taken rights away above it
            pass
        return False

    def remove(self) -> None:
        """Remove the directory and all in it."""
        with suppress(OSError), _locked(self.path.parent):
            shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._kept)
        os.close(self._lock)


def base(environment: Mapping[str, str], say: Callable[[str], None] | None = None) -> Path:
    """The folder of all run directories: `$MINIBENTO_RUN_DIR`, `$XDG_RUNTIME_DIR/minibento`, or
    one of this user below the folder for temporary files. It may not exist.

    Args:
        environment: Variables.
        say: Told if another folder is taken than the one that was named, and why.
    """
    first, short = _named(environment), _temporary()
    room = _LONGEST_PATH - _LONGEST_PID - LONGEST_NAME
    if len(os.fsencode(first)) <= room:
        return first
    if say is not None:
        say(
            f"run directory {first} is too long for sockets, which allow {room} bytes here: "
            f"{short} is taken instead; MINIBENTO_RUN_DIR names another"
        )
    return short


def make(where: Path, pid: int | None = None) -> RunDirectory:
    """Make and lock the run directory of this process, and remove those of dead ones.

    Args:
        where: What `base` found; made if it is not there.
        pid: The process's id, unless it is this one's.

    Raises:
        StoreError: the folder cannot be made, is not this user's own, or is written by others.
    """
    pid = os.getpid() if pid is None else pid
    path = where / str(pid)
    with _errors(where):
        _make_base(where)
        with _locked(where):
            _remove_dead(where)
            try:
                path.mkdir(0o700)
            except FileExistsError:
                raise StoreError(
                    f"{path} is another server's that runs with the same process id, as in "
                    "another container: set MINIBENTO_RUN_DIR to a folder of its own"
                ) from None
            lock = os.open(path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return RunDirectory(path, lock)


def servers(environment: Mapping[str, str]) -> list[Running]:
    """The running servers of this user by name and process id; leftovers of dead ones are removed.

    Raises:
        StoreError: the folder of run directories is not this user's own.
    """
    first = base(environment)
    found = _found(first)
    if "MINIBENTO_RUN_DIR" not in environment and first != _temporary():
        # A server without $XDG_RUNTIME_DIR, as one that cron has started, is in the temporary one;
        # what is wrong with that is no matter of the others.
        with suppress(StoreError):
            found += _found(_temporary())
    return sorted(found, key=lambda one: (one.name, one.pid))


def _found(where: Path) -> list[Running]:
    with _errors(where):
        if not _is_ours(where):
            return []
        with _locked(where):
            _remove_dead(where)
            return [_running(path) for path in _directories(where)]


def _named(environment: Mapping[str, str]) -> Path:
    if own := environment.get("MINIBENTO_RUN_DIR"):
        return Path(own).absolute()
    session = environment.get("XDG_RUNTIME_DIR")
    # Left over by su and sudo it may name a folder that is gone, or another user's.
    if session and os.access(session, os.W_OK) and Path(session).stat().st_uid == os.geteuid():
        return Path(session).absolute() / "minibento"
    return Path(tempfile.gettempdir()).absolute() / f"minibento-{os.geteuid()}"


def _temporary() -> Path:
    """Short whatever $TMPDIR says; `_is_ours` makes sure that nobody else has made it."""
    return Path("/tmp", f"minibento-{os.geteuid()}")  # noqa: S108 -- checked before it is used


def _make_base(where: Path) -> None:
    with suppress(FileExistsError):
        where.parent.mkdir(parents=True, exist_ok=True)
        where.mkdir(0o700)
        where.chmod(0o700)  # whatever the umask
    if not _is_ours(where):
        raise FileNotFoundError(2, "it has been removed", str(where))


def _is_ours(where: Path) -> bool:
    """Whether it is there; raises StoreError if it is and is not safe."""
    try:
        found = where.lstat()
    except FileNotFoundError:
        return False
    mend = "remove it, or set MINIBENTO_RUN_DIR to a folder of your own"
    if stat.S_ISLNK(found.st_mode):
        raise StoreError(f"run directory {where} is a symbolic link and is not followed: {mend}")
    if not stat.S_ISDIR(found.st_mode):
        raise StoreError(f"run directory {where} is no folder: {mend}")
    if found.st_uid != os.geteuid():
        raise StoreError(
            f"run directory {where} belongs to user {found.st_uid}, not to {os.geteuid()}: {mend}"
        )
    if found.st_mode & 0o022:  # who may read it sees process ids, no more
        mode = stat.S_IMODE(found.st_mode)
        raise StoreError(
            f"run directory {where} may be written by others (mode {mode:04o}): chmod 0700 it"
        )
    return True


@contextmanager
def _locked(where: Path) -> Iterator[None]:
    """Alone among those who make and remove run directories here."""
    lock = os.open(where / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        _take(lock, where / _LOCK)
        yield
    finally:
        os.close(lock)


def _take(lock: int, path: Path) -> None:
    """Lock it. Raises TimeoutError: who has it should have let go of it long ago."""
    until = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                said = f"another process has held its lock for {_PATIENCE_SECONDS:g} s"
                raise TimeoutError(errno.ETIMEDOUT, said, str(path)) from None
            time.sleep(_PAUSE_SECONDS)
        else:
            return


def _directories(where: Path) -> list[Path]:
    return [path for path in where.iterdir() if path.name.isdecimal() and path.is_dir()]


def _remove_dead(where: Path) -> None:
    for path in _directories(where):
        if not _is_alive(path):
            shutil.rmtree(path, ignore_errors=True)


def _is_alive(path: Path) -> bool:
    """Whether somebody holds its lock; the system lets go of it however its holder ends."""
    try:
        lock = os.open(path / _LOCK, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def _running(path: Path) -> Running:
    name = url = ""
    with suppress(OSError, ValueError, AttributeError):
        info = json.loads((path / _INFO).read_text("utf-8"))
        name, url = str(info.get("name", "")), str(info.get("url", ""))
    return Running(name, int(path.name), url, path)


@contextmanager
def _errors(where: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        place = error.filename or where
        raise StoreError(
            f"run directory {place} cannot be used: {error.strerror or error}: "
            "set MINIBENTO_RUN_DIR to a folder that this user can write"
        ) from error
