"""The wheels that no index has: minibento's own and those of local requirements; installs none.

They are stored, not compressed, with fixed times and modes: the same content has the same bytes
whatever the machine's zlib, path, user or time zone.
"""

import base64
import fnmatch
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from pathlib import Path

from minibento.errors import BuildError
from minibento.packager.secrets import forbidden_folder, refuse_secrets, without_addresses
from minibento.store.staging import scratch

__all__ = [
    "Wheel",
    "environment_lock",
    "local_sources",
    "local_wheels",
    "name_of",
    "own_version",
    "own_wheel",
    "requirements_of",
]

_OWN = "minibento"
_PACKAGE = Path(__file__).parents[1]
_TIME = (1980, 1, 1, 0, 0, 0)
_WHEEL = "Wheel-Version: 1.0\nGenerator: minibento\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel's file name and bytes."""

    name: str
    data: bytes

    @property
    def distribution(self) -> str:
        """The normalised name of what is in it."""
        return name_of(self.name.split("-")[0])


def name_of(requirement: str) -> str:
    """The normalised name that a requirement begins with (PEP 503)."""
    found = _NAME.match(requirement)
    return re.sub(r"[-_.]+", "-", found[0]).lower() if found else ""


def own_version() -> str:
    """The version of the minibento that runs."""
    return _own().version


def own_wheel() -> Wheel:
    """The minibento that runs, as a wheel, however it was installed.

    Raises:
        BuildError: nothing says what it needs: it runs from a folder that nobody installed.
    """
    distribution = _own()
    version = distribution.version
    info = f"{_OWN}-{version}.dist-info"
    files = {f"{_OWN}/{path}": data for path, data in _package_files(_PACKAGE)}
    for name in ("METADATA", "entry_points.txt"):
        text = distribution.read_text(name)
        if text is not None:
            files[f"{info}/{name}"] = text.encode()
    for licence in distribution.files or ():
        if "licenses" in licence.parts:
            files[f"{info}/licenses/{licence.name}"] = Path(str(licence.locate())).read_bytes()
    files[f"{info}/WHEEL"] = _WHEEL.encode()
    return Wheel(f"{_OWN}-{version}-py3-none-any.whl", _packed(files, info))


def local_wheels(requirements: Sequence[str], folder: Path) -> list[Wheel]:
    """A wheel for each requirement that is a folder, or is installed from one.

    Args:
        requirements: Of the build file.
        folder: The project's.

    Raises:
        BuildError: a folder is not below the project's, or gives no wheel.
    """
    found = [_built(source) for source in local_sources(requirements, folder)]
    return sorted(found, key=lambda wheel: wheel.name)


def local_sources(requirements: Sequence[str], folder: Path) -> list[Path]:
    """The folder of each requirement that is one, or is installed from one.

    Args:
        requirements: Of the build file.
        folder: The project's.

    Raises:
        BuildError: a folder is not below the project's.
    """
    sources = [_local_source(requirement, folder) for requirement in requirements]
    return [source for source in sources if source is not None]


def requirements_of(wheel: Wheel) -> list[str]:
    """What a wheel needs beside, without its extras."""
    with zipfile.ZipFile(io.BytesIO(wheel.data)) as archive:
        (name,) = (one for one in archive.namelist() if one.endswith(".dist-info/METADATA"))
        lines = archive.read(name).decode().split("\n\n")[0].splitlines()
    needed = (line.partition(": ")[2] for line in lines if line.startswith("Requires-Dist: "))
    return [one for one in needed if "extra ==" not in one]


def environment_lock(lock: bytes, wheels: Sequence[Wheel]) -> bytes:
    """All that pip is to install: the lock, and the wheels inside with their hashes."""
    lines = [
        f"./wheels/{wheel.name} --hash=sha256:{hashlib.sha256(wheel.data).hexdigest()}\n"
        for wheel in sorted(wheels, key=lambda wheel: wheel.name)
    ]
    return lock + "".join(lines).encode()


def _own() -> metadata.Distribution:
    try:
        return metadata.distribution(_OWN)
    except metadata.PackageNotFoundError as error:
        raise BuildError(
            f"minibento runs from {_PACKAGE.parent} without being installed, so nothing says what "
            "it needs: pip install it"
        ) from error


def _package_files(package: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(package.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc":
            yield path.relative_to(package).as_posix(), path.read_bytes()


def _packed(files: Mapping[str, bytes], info: str) -> bytes:
    """A wheel of these files (PEP 427): sorted, the record of them last."""
    record = [
        f"{path},sha256={_urlsafe(hashlib.sha256(data).digest())},{len(data)}\n"
        for path, data in sorted(files.items())
    ]
    whole = [
        *sorted(files.items()),
        (f"{info}/RECORD", "".join([*record, f"{info}/RECORD,,\n"]).encode()),
    ]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for path, data in whole:
            entry = zipfile.ZipInfo(path, _TIME)
            entry.create_system = 3
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, data)
    return packed.getvalue()


def _urlsafe(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _local_source(requirement: str, folder: Path) -> Path | None:
    if requirement.startswith("."):
        source = (folder / requirement).resolve()
        if not source.is_relative_to(folder) or not source.is_dir():
            raise BuildError(
                f"python.requirements names {requirement}, which is no folder below {folder}"
            )
        return source
    try:
        distribution = metadata.distribution(name_of(requirement))
    except (metadata.PackageNotFoundError, ValueError):
        return None
    said = json.loads(distribution.read_text("direct_url.json") or "{}")
    if not said.get("dir_info", {}).get("editable"):
        return None
    return Path(said["url"].removeprefix("file://"))


def _built(source: Path) -> Wheel:
    """Build with the project's own backend, then pack again in the one way.

    From a copy: backends leave their `build` behind, and take in what they find in one.
    """
    with scratch() as aside:
        into, copy = str(aside / "wheels"), str(aside / "source" / source.name)
        shutil.copytree(source, copy, symlinks=True, ignore=partial(_left_behind, str(source)))
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", into]
        done = subprocess.run(
            [*command, "--disable-pip-version-check", copy],
            env={**os.environ, "SOURCE_DATE_EPOCH": "315532800"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        made = list(Path(into).glob("*.whl"))
        if done.returncode or len(made) != 1:
            said = done.stderr.strip().splitlines()[-1:] or ["it gave no wheel"]
            raise BuildError(f"{source} cannot be built as a wheel: {without_addresses(said[0])}")
        return _repacked(made[0])


def _left_behind(top: str, folder: str, names: list[str]) -> list[str]:
    """What earlier builds have left, and environments, of the names in a folder."""
    made = ("*.egg-info", "__pycache__", *(("build", "dist") if folder == top else ()))
    return [
        one
        for one in names
        if any(fnmatch.fnmatchcase(one, pattern) for pattern in made)
        # Some backends read the version off the version control.
        or (one != ".git" and forbidden_folder(Path(folder, one)) is not None)
    ]


def _repacked(path: Path) -> Wheel:
    with zipfile.ZipFile(path) as archive:
        files = {one: archive.read(one) for one in archive.namelist() if not one.endswith("/")}
    refuse_secrets(f"the wheel of {path.name.split('-')[0]}", files)
    (record,) = (one for one in files if one.endswith(".dist-info/RECORD"))
    del files[record]
    return Wheel(path.name, _packed(files, record.removesuffix("/RECORD")))
