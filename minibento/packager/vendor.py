"""Every locked wheel into a bundle, so that it installs without a network."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from minibento.bundles.machine import machine_of, this_platform, this_python
from minibento.errors import BuildError
from minibento.packager.lock import Lock
from minibento.packager.secrets import without_addresses
from minibento.store.disk import disk_errors, make_directory
from minibento.store.home import home
from minibento.store.locks import hold
from minibento.store.staging import scratch, stage

__all__ = ["vendored"]

# Newest first, as pip prefers them; an older glibc's wheels run on a newer one.
_GLIBCS = ("manylinux_2_28", "manylinux_2_27", "manylinux_2_24", "manylinux_2_17", "manylinux2014")
_LAST = 3


def vendored(lock: Lock, python: str, platform: str, into: Path) -> None:
    """Put a wheel of each locked library into a folder.

    They are kept in the store's `cache/wheels`, so that the next build asks no index.

    Raises:
        BuildError: one has no wheel for that Python and platform, or no index answers.
    """
    key = hashlib.sha256(f"{python} {platform}\n".encode() + lock.data).hexdigest()[:16]
    cache = home() / "cache" / "wheels"
    with disk_errors("wheels cannot be kept", cache):
        make_directory(cache)
        with hold(cache / f".{key}.lock"):
            if not (cache / key).is_dir():
                with stage(cache / ".staging") as aside:
                    wheels = aside / "wheels"
                    wheels.mkdir()
                    _download(lock, python, platform, wheels)
                    wheels.rename(cache / key)
        for wheel in sorted((cache / key).iterdir()):
            data = wheel.read_bytes()
            if hashlib.sha256(data).hexdigest().encode() not in lock.data:
                raise BuildError(f"{wheel} is not what is locked: remove {cache / key}")
            (into / wheel.name).write_bytes(data)


def _download(lock: Lock, python: str, platform: str, into: Path) -> None:
    with scratch() as folder:
        file = folder / "requirements.txt"
        file.write_bytes(lock.data)
        done = subprocess.run(
            [
                *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-input"),
                *("--disable-pip-version-check", "--only-binary=:all:", "--require-hashes"),
                *(*_aim(python, platform), "-d", str(into), "-r", str(file)),
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=os.environ,
            check=False,
        )
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or [
            "pip says nothing of it: is pip installed here?"
        ]
        raise BuildError(f"the wheels cannot be had: {without_addresses(' '.join(said[:_LAST]))}")


def _aim(python: str, platform: str) -> Sequence[str]:
    if (python, platform) == (this_python(), this_platform()):
        return ()
    machine = machine_of(platform)
    tags = [part for glibc in _GLIBCS for part in ("--platform", f"{glibc}_{machine}")]
    return ("--python-version", python, "--implementation", "cp", *tags)
