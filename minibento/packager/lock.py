"""requirements.lock: the exact libraries of a service, each with its hashes; installs nothing."""

import difflib
import json
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from minibento.bundles.layout import LOCK
from minibento.bundles.machine import machine_of, this_platform, this_python
from minibento.errors import BuildError
from minibento.packager.build_file import is_requirement
from minibento.packager.secrets import without_addresses
from minibento.packager.wheels import Wheel, name_of, requirements_of
from minibento.store.disk import path_errors, write_file
from minibento.store.staging import scratch
from minibento.wording import shown

__all__ = ["Lock", "check_lock", "inputs", "make_lock", "read_lock"]

_FROM = "# from: "
# Wheels for glibc 2.28 run on every Debian since 10.
_GLIBC = "manylinux_2_28"
_PIN = re.compile(
    r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)(\[[A-Za-z0-9,._ -]*\])?==(?P<version>[^\s;\\]+)"
    r"(\s*;[^#]*?)?(?P<hashes>(\s+--hash=sha256:[0-9a-f]{64})+)\s*\Z"
)
_INSIDE = re.compile(
    r"\./wheels/(?P<name>[A-Za-z0-9][A-Za-z0-9._+!-]*\.whl) --hash=sha256:[0-9a-f]{64}\Z"
)
_LARGEST = 16 << 20


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock file that was read.

    Attributes:
        data: Its bytes.
        pins: The version of each library, by normalised name.
        inside: The wheels that come with it.
    """

    data: bytes
    pins: Mapping[str, str]
    inside: Sequence[str] = ()


def inputs(
    requirements: Sequence[str],
    libraries: Mapping[str, Mapping[str, str]],
    wheels: Sequence[Wheel],
) -> list[str]:
    """What is to be locked, sorted.

    Args:
        requirements: Of the build file.
        libraries: By model tag, the version of each library that it was saved with.
        wheels: Those inside: what they need is locked, they themselves are not.

    Raises:
        BuildError: two models were saved with different versions of a library, or somebody needs
            what is no requirement.
    """
    inside = {wheel.distribution for wheel in wheels}
    wanted = {one for wheel in wheels for one in requirements_of(wheel)}
    wanted |= {one for one in requirements if not one.startswith(".")}
    asked: dict[str, tuple[str, str]] = {}
    for tag, recorded in sorted(libraries.items()):
        for name, version in recorded.items():
            other, from_tag = asked.setdefault(name_of(name), (version, tag))
            if other != version:
                raise BuildError(
                    f"{from_tag} was saved with {name} {other}, {tag} with {version}: save one of "
                    "them again, so that both can run in one environment"
                )
            wanted.add(f"{name}=={version}")
    # It does the installing, and where there is no network it comes along.
    wanted.add("pip")
    for one in wanted:
        # It becomes a line of a file that also takes options; models and wheels may be foreign.
        if not is_requirement(one):
            raise BuildError(
                f"{shown(without_addresses(one))} is needed, which is no requirement such as "
                "httpx2>=2.0: an address or option belongs into pip's own configuration"
            )
    return sorted(one for one in wanted if name_of(one) not in inside)


def make_lock(folder: Path, wanted: Sequence[str], python: str, platform: str) -> Path:
    """Resolve the inputs and write requirements.lock into the folder, replacing one.

    Whoever calls it is the only one who does, by `hold_folder`.

    By uv where it is installed, else by pip, which can only do it for this Python and machine. The
    versions that are installed here are preferred.

    Raises:
        BuildError: there is no solution, or no index to ask.
    """
    uv = _uv()
    if uv is None and (python, platform) != (this_python(), this_platform()):
        raise BuildError(
            f"pip cannot lock for Python {python} on {platform} from here: pip install uv"
        )
    path = folder / LOCK
    aside = path.with_name(f".{LOCK}.new")
    with path_errors("cannot write", path):
        with scratch() as work:
            file = work / "requirements.in"
            file.write_text("".join(f"{one}\n" for one in wanted))
            found = _by_pip(file) if uv is None else _by_uv(uv, file, python, platform)
        # What is no lock, for whatever is configured here, does not get into the project.
        read_lock(found, "what was resolved")
        try:
            write_file(aside, _header(wanted, python, platform) + found)
            aside.replace(path)
        finally:
            with suppress(OSError):
                aside.unlink(missing_ok=True)
    return path


def check_lock(path: Path, wanted: Sequence[str], python: str, platform: str) -> Lock:
    """Read a lock and see that it is what these inputs were resolved to.

    Raises:
        BuildError: it is not, or holds anything but exact versions with hashes.
    """
    lock = read_lock(_read(path), str(path))
    if lock.inside:
        raise BuildError(f"{path} names ./wheels/{lock.inside[0]}, which only a bundle has")
    lines = lock.data.decode().splitlines()
    expected = _header(wanted, python, platform).decode().splitlines()
    given = [line for line in lines if line.startswith("#")]
    if given[:1] != expected[:1]:
        raise BuildError(
            f"{path} is not for Python {python} on {platform}: `minibento lock --python {python} "
            f"--platform {platform}` writes one that is"
        )
    for one in wanted:
        name, equal, version = one.partition("==")
        if equal and lock.pins.get(name_of(name), version) != version:
            raise BuildError(
                f"{path} has {name_of(name)} {lock.pins[name_of(name)]} where {one} is needed: "
                "`minibento lock` renews it; then commit it"
            )
    if given != expected:
        changed = [
            f"{line[0]} {line[2:].removeprefix(_FROM)}"
            for line in difflib.ndiff(given, expected)
            if line[0] in "+-"
        ]
        raise BuildError(
            f"{path} is stale ({'; '.join(changed[:5])}): `minibento lock` renews it; then "
            "commit it"
        )
    return lock


def read_lock(data: bytes, where: str) -> Lock:
    """What a lock's lines say.

    Raises:
        BuildError: a line is not an exact version with hashes.
    """
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise BuildError(f"{where} is no text: `minibento lock` renews it") from error
    pins: dict[str, str] = {}
    inside = []
    for number, line in _logical_lines(text):
        wheel = _INSIDE.match(line)
        if wheel is not None:
            inside.append(wheel["name"])
            continue
        found = _PIN.match(line)
        if found is None:
            said = shown(without_addresses(line), 80)
            raise BuildError(
                f"{where}:{number}: {said} is no exact version with its hashes, such as "
                "click==8.2.1 --hash=sha256:...: `minibento lock` renews the file"
            )
        pins[name_of(found["name"])] = found["version"]
    return Lock(data, pins, inside)


def _read(path: Path) -> bytes:
    """Not of a pipe, which nobody may write into, or a device, which has no end."""
    with (
        path_errors("cannot read", path),
        open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file,
    ):
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise BuildError(
                f"{path} is no regular file: remove it, and `minibento lock` writes it"
            )
        data = file.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise BuildError(f"{path} has more than {_LARGEST} bytes: `minibento lock` writes it anew")
    return data


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    gathered, begun = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        begun = begun if gathered else number
        if not gathered and (not line.strip() or line.startswith("#")):
            continue
        gathered += line.removesuffix("\\")
        if not line.endswith("\\"):
            yield begun, gathered.strip()
            gathered = ""
    if gathered:
        yield begun, gathered.strip()


def _header(wanted: Sequence[str], python: str, platform: str) -> bytes:
    lines = [
        f"# Written by `minibento lock` for Python {python} on {platform}; to be committed.",
        *(f"{_FROM}{one}" for one in wanted),
    ]
    return "".join(f"{line}\n" for line in lines).encode()


def _uv() -> list[str] | None:
    if find_spec("uv") is not None:
        return [sys.executable, "-m", "uv"]
    found = shutil.which("uv")
    return [found] if found else None


def _by_uv(uv: Sequence[str], file: Path, python: str, platform: str) -> bytes:
    options = [
        *("--generate-hashes", "--no-header", "--no-annotate", "--quiet", "--color=never"),
        # Which a configuration of its own may ask for.
        *("--no-emit-index-url", "--no-emit-find-links"),
    ]
    target = f"{machine_of(platform)}-{_GLIBC}"
    # What uv writes into it prefers what stands there already.
    output = file.with_suffix(".txt")
    output.write_text(_installed())
    _run(
        [
            *(*uv, "pip", "compile", *options, "--python", sys.executable),
            *("--python-version", python, "--python-platform", target),
            *("--output-file", str(output), str(file)),
        ],
        file,
    )
    return output.read_bytes()


def _by_pip(file: Path) -> bytes:
    command = [
        *(sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet"),
        *("--disable-pip-version-check", "--report", "-", "-r", str(file)),
    ]
    here = file.with_suffix(".txt")
    here.write_text(_installed())
    try:
        report = _run([*command, "-c", str(here)], file)
    except BuildError:  # pip cannot prefer a version, only insist on it
        report = _run(command, file)
    lines = []
    for one in json.loads(report)["install"]:
        name, version = one["metadata"]["name"], one["metadata"]["version"]
        sha256 = one["download_info"]["archive_info"]["hashes"]["sha256"]
        lines.append(f"{name_of(name)}=={version} \\\n    --hash=sha256:{sha256}\n")
    return "".join(sorted(lines)).encode()


def _installed() -> str:
    """What is installed here, as pins: a service is locked to what it was tried with, if it may."""
    here = {name_of(one.name): one.version for one in metadata.distributions() if one.name}
    # A local version, as 2.13.0+cpu, is on no index.
    return "".join(f"{name}=={at}\n" for name, at in sorted(here.items()) if "+" not in at)


def _run(command: Sequence[str], file: Path) -> bytes:
    done = subprocess.run(
        command,
        cwd=file.parent,
        env={**os.environ, "PIP_NO_INPUT": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        said = " ".join(done.stderr.decode("utf-8", "replace").split())[-600:]
        raise BuildError(
            f"the requirements cannot be locked: {without_addresses(said)}: "
            "change python.requirements, or save the model with libraries that go together"
        )
    return done.stdout
