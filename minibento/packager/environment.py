"""The environment that a bundle needs, made by pip from its hashes; standard library only.

<home>/envs/<name>/         a virtual environment; complete once it holds the file .complete
"""

import base64
import hashlib
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from minibento.bundles.facts import Facts
from minibento.bundles.layout import ENVIRONMENT, WHEELS
from minibento.errors import BuildError, Corrupt
from minibento.packager.lock import read_lock
from minibento.packager.secrets import without_addresses
from minibento.store.disk import disk_errors, make_directory, remove_tree, sync_directory
from minibento.store.locks import hold

__all__ = [
    "Difference",
    "differences",
    "environment_folder",
    "environment_name",
    "installed_environment",
    "make_environment",
]

_COMPLETE = ".complete"
_LAST = 12  # lines of pip's that an error shows


@dataclass(frozen=True, slots=True)
class Difference:
    """A library that is not here as it is locked.

    Attributes:
        name: Of the library.
        wanted: The locked version.
        here: The installed one; None: it is missing.
    """

    name: str
    wanted: str
    here: str | None

    @property
    def is_major(self) -> bool:
        """Whether it is missing, or its first number differs."""
        return self.here is None or self.here.split(".")[0] != self.wanted.split(".")[0]


def environment_name(lock: bytes, python: str, platform: str) -> str:
    """What an environment with all that `environment.lock` says is called."""
    digest = hashlib.sha256(f"{python} {platform}\n".encode() + lock).digest()
    return base64.b32encode(digest)[:16].decode().lower()


def environment_folder(home: Path, facts: Facts) -> Path:
    """Where the bundle's environment is, or would be."""
    return home / "envs" / facts.environment


def installed_environment(home: Path, facts: Facts) -> Path | None:
    """The interpreter of the bundle's own environment; None: it is not installed."""
    folder = environment_folder(home, facts)
    return _python(folder) if (folder / _COMPLETE).is_file() else None


def differences(pins: Mapping[str, str]) -> list[Difference]:
    """Which of these versions are not those of this interpreter's environment, by name."""
    found = []
    for name, wanted in sorted(pins.items()):
        try:
            here: str | None = metadata.version(name)
        except metadata.PackageNotFoundError:
            here = None
        if here != wanted:
            found.append(Difference(name, wanted, here))
    return found


def make_environment(bundle: Path, facts: Facts, home: Path) -> Path:
    """Install what the bundle needs, unless that is done; returns the interpreter.

    Args:
        bundle: Its folder, which is only read.
        facts: Of the bundle.
        home: Where `envs` is.

    Raises:
        BuildError: pip refuses, or there is none; nothing half-made is left.
        Corrupt: the bundle's lock is none, or another one than it says.
        StoreError: the disk refuses.
    """
    folder = environment_folder(home, facts)
    _check_lock(bundle, facts)
    with disk_errors("the environment cannot be made", folder):
        make_directory(folder.parent)
        # Scripts hold the path of their interpreter, so it is made where it stays.
        with hold(folder.with_name(f".{facts.environment}.lock")):
            if not (folder / _COMPLETE).is_file():
                remove_tree(folder)
                try:
                    _install(bundle, folder, vendored=facts.vendored)
                except BaseException:
                    remove_tree(folder)
                    raise
                # Thousands of files that pip wrote: all are on the disk before one says so.
                os.sync()
                (folder / _COMPLETE).touch()
                sync_directory(folder)
    return _python(folder)


def _check_lock(bundle: Path, facts: Facts) -> None:
    """Nobody gets another bundle's environment, or makes one under its name."""
    with disk_errors("the bundle cannot be read", bundle / ENVIRONMENT):
        data = (bundle / ENVIRONMENT).read_bytes()
    try:
        read_lock(data, ENVIRONMENT)
    except BuildError as error:
        raise Corrupt(f"the bundle is not as `minibento build` makes it: {error}") from error
    name = environment_name(data, facts.python, facts.platform)
    if name != facts.environment:
        raise Corrupt(
            f"the bundle says that its environment is {facts.environment}, but {ENVIRONMENT} makes "
            f"{name}: `minibento build` makes bundles"
        )


def _install(bundle: Path, folder: Path, *, vendored: bool) -> None:
    _run([sys.executable, "-m", "venv", "--without-pip", str(folder)], bundle)
    options = ["--disable-pip-version-check", "--no-input", "--no-deps", "--require-hashes"]
    source = ["--no-index", "--find-links", WHEELS] if vendored else []
    pip = [*_pip(bundle, _python(folder)), "install", "--quiet"]
    _run([*pip, *options, *source, "-r", ENVIRONMENT], bundle)


def _pip(bundle: Path, python: Path) -> list[str]:
    """A pip that installs into the environment of `python`."""
    inside = sorted((bundle / WHEELS).glob("pip-*.whl"))
    bundled = sorted(_ensurepip().glob("pip-*.whl"))
    for wheel in (*inside, *bundled):
        return [str(python), f"{wheel.resolve()}/pip"]
    if find_spec("pip") is not None:
        return [sys.executable, "-m", "pip", "--python", str(python)]
    raise BuildError(
        "this Python has neither pip nor ensurepip: apt-get install python3-venv, or build the "
        "bundle with --vendor"
    )


def _ensurepip() -> Path:
    found = find_spec("ensurepip")
    return Path(found.origin if found and found.origin else os.devnull).parent / "_bundled"


def _python(folder: Path) -> Path:
    return folder / "bin" / "python"


def _run(command: Sequence[str], cwd: Path) -> None:
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "", "PYTHONPATH": ""},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if done.returncode:
        lines = done.stdout.decode("utf-8", "replace").strip().splitlines()[-_LAST:]
        said = [without_addresses(line) for line in lines]
        raise BuildError("\n".join(["the bundle's environment cannot be installed:", *said]))
