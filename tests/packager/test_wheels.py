import base64
import hashlib
import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from minibento.errors import BuildError
from minibento.packager import wheels
from minibento.packager.wheels import Wheel

PROJECT = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "Our.Library"
version = "2.0"
dependencies = ["click>=8", "rich; extra == 'nice'"]
"""
SETUPTOOLS = """\
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "our_library"
version = "2.0"
[tool.setuptools]
packages = ["our_library"]
"""


def files(wheel: Wheel) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(wheel.data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_our_own_wheel_has_the_package_and_what_pip_needs() -> None:
    wheel = wheels.own_wheel()
    found = files(wheel)
    info = f"minibento-{wheels.own_version()}.dist-info"
    assert wheel.name == f"minibento-{wheels.own_version()}-py3-none-any.whl"
    assert {"minibento/__init__.py", "minibento/py.typed"} <= found.keys()
    assert {f"{info}/METADATA", f"{info}/WHEEL", f"{info}/RECORD"} <= found.keys()
    assert b"minibento = minibento.cli.main:main" in found[f"{info}/entry_points.txt"]
    assert not [name for name in found if "__pycache__" in name or name.startswith("tests")]


def test_the_record_has_the_digest_of_every_file() -> None:
    found = files(wheels.own_wheel())
    (record,) = (name for name in found if name.endswith("/RECORD"))
    lines = dict(line.split(",", 1) for line in found[record].decode().splitlines())
    assert set(lines) == set(found)
    for name, data in found.items():
        if name != record:
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            assert lines[name] == f"sha256={digest},{len(data)}"


def test_it_has_the_same_bytes_under_another_umask_and_time_zone() -> None:
    program = (
        "import hashlib, os; os.umask(0o077); from minibento.packager.wheels import own_wheel;"
        "print(hashlib.sha256(own_wheel().data).hexdigest())"
    )
    said = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "TZ": "Pacific/Kiritimati", "LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.strip() == hashlib.sha256(wheels.own_wheel().data).hexdigest()


def test_a_package_runs_from_our_own_wheel(tmp_path: Path) -> None:
    wheel = wheels.own_wheel()
    (tmp_path / wheel.name).write_bytes(wheel.data)
    program = "import minibento, sys; print(minibento.__file__)"
    said = subprocess.run(
        [sys.executable, "-S", "-P", "-c", program],
        env={"PYTHONPATH": str(tmp_path / wheel.name)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert wheel.name in said.stdout


def test_a_local_folder_becomes_a_wheel_of_the_same_bytes_each_time(tmp_path: Path) -> None:
    library = tmp_path / "library"
    (library / "our_library").mkdir(parents=True)
    (library / "our_library" / "__init__.py").write_text("x = 1\n")
    (library / "pyproject.toml").write_text(PROJECT)
    (one,) = wheels.local_wheels(["./library", "click>=8"], tmp_path)
    (again,) = wheels.local_wheels(["./library"], tmp_path)
    assert one == again
    assert one.distribution == "our-library"
    assert wheels.requirements_of(one) == ["click>=8"]


def test_a_local_folder_is_left_as_it_is_and_gives_nothing_of_earlier_builds(
    tmp_path: Path,
) -> None:
    library = tmp_path / "library"
    package = library / "our_library"
    stale = library / "build" / "lib" / "our_library"
    for folder in (package, stale):
        folder.mkdir(parents=True)
        (folder / "__init__.py").touch()
    (stale / "gone.py").touch()
    (library / "pyproject.toml").write_text(SETUPTOOLS)
    before = sorted(library.rglob("*"))
    (wheel,) = wheels.local_wheels(["./library"], tmp_path)
    with zipfile.ZipFile(io.BytesIO(wheel.data)) as archive:
        assert [one for one in archive.namelist() if one.endswith(".py")] == [
            "our_library/__init__.py"
        ]
    assert sorted(library.rglob("*")) == before


@pytest.mark.parametrize(
    ("path", "why"), [(".env", "credentials"), ("tls/x.key", "a key"), ("a.txt", "a private key")]
)
def test_a_secret_in_a_local_folder_fails_the_build(tmp_path: Path, path: str, why: str) -> None:
    package = tmp_path / "library" / "our_library"
    (package / path).parent.mkdir(parents=True)
    (package / path).write_text(f"-----BEGIN RSA PRIVATE KEY-----\n{'A' * 64}\n")
    (package / "__init__.py").touch()
    (tmp_path / "library" / "pyproject.toml").write_text(PROJECT)
    with pytest.raises(BuildError, match=rf"{path} \({why}.*leave it out where that is packed"):
        wheels.local_wheels(["./library"], tmp_path)


@pytest.mark.parametrize("path", ["./nowhere", "../", "./file.py"])
def test_a_requirement_that_is_no_folder_of_the_project_is_refused(
    tmp_path: Path, path: str
) -> None:
    (tmp_path / "file.py").touch()
    with pytest.raises(BuildError, match=r"is no folder below"):
        wheels.local_wheels([path], tmp_path)


def test_a_folder_that_gives_no_wheel_is_refused(tmp_path: Path) -> None:
    (tmp_path / "library").mkdir()
    with pytest.raises(BuildError, match=r"library cannot be built as a wheel: "):
        wheels.local_wheels(["./library"], tmp_path)


def test_the_whole_environment_is_the_lock_and_each_wheel_with_its_hash() -> None:
    one = Wheel("b-1-py3-none-any.whl", b"b")
    other = Wheel("a-1-py3-none-any.whl", b"a")
    digests = [hashlib.sha256(data).hexdigest() for data in (b"a", b"b")]
    assert wheels.environment_lock(b"# lock\n", [one, other]).decode() == (
        f"# lock\n./wheels/{other.name} --hash=sha256:{digests[0]}\n"
        f"./wheels/{one.name} --hash=sha256:{digests[1]}\n"
    )
