"""The same project gives the same bytes to everybody, everywhere, at any time (case P16)."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.packager.projects import SERVICE, project, save_doubler, write_lock

ROOT = Path(__file__).parents[2]
PROGRAM = """
import os, sys
os.umask(int(sys.argv[1], 8))
from minibento.cli.main import main
main(sys.argv[2:])
"""
FILES = {
    **{f"part_{number}": f"x = {number}\n" for number in range(20)},
    "service": SERVICE.replace(
        "    @minibento.api",
        "\n".join(f"    @minibento.api\n    def m{n}(self, x: int) -> int: ..." for n in range(9))
        + "\n\n    @minibento.api",
    ),
}
# Another user, who may read what root has installed.
AS_NOBODY = (
    *("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"),
    *("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"),
)


@dataclass(frozen=True)
class Way:
    """How one builds."""

    umask: str = "022"
    variables: Mapping[str, str] = field(default_factory=dict)
    backwards: bool = False
    nobody: bool = False


WAYS = {
    "another time": Way(),
    "umask 077": Way("077"),
    "umask 000": Way("000"),
    "time zone": Way(variables={"TZ": "Pacific/Kiritimati"}),
    "locale C": Way(variables={"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}),
    "locale tr_TR": Way(variables={"LC_ALL": "tr_TR.UTF-8", "LANGUAGE": "tr"}),
    "hash seed 1": Way(variables={"PYTHONHASHSEED": "1"}),
    "hash seed 2": Way(variables={"PYTHONHASHSEED": "2"}),
    "order of files": Way(backwards=True),
    "another user": Way("027", nobody=True),
    "all of it": Way(
        "077", {"TZ": "Asia/Kolkata", "LC_ALL": "C", "PYTHONHASHSEED": "3"}, True, True
    ),
}


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A folder that everybody may use: pytest's own are their user's alone."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)


@pytest.fixture(scope="module")
def first(place: Path) -> bytes:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MINIBENTO_HOME", str(place / "home"))
        save_doubler()
        folder = project(place / "project", **FILES)
        (folder / "minibento.yaml").write_text("labels: {b: 'İ', a: x}\nmodels: [doubler]\n")
        write_lock(folder, "doubler")
    return exported(place, folder, place / "home", Way())


def exported(place: Path, folder: Path, home: Path, way: Way) -> bytes:
    def run(*arguments: str) -> str:
        command = [sys.executable, "-c", PROGRAM, way.umask, *arguments]
        done = subprocess.run(
            [*(AS_NOBODY if way.nobody and os.getuid() == 0 else ()), *command],
            cwd=home,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(ROOT),
                "PYTHONDONTWRITEBYTECODE": "1",
                "MINIBENTO_HOME": str(home),
                "HOME": str(home),
                **way.variables,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    tag = json.loads(run("build", str(folder), "-o", "json"))["tag"]
    run("bundles", "export", tag, str(home / "x.bundle"))
    return (home / "x.bundle").read_bytes()


def copied(place: Path, name: str, way: Way) -> tuple[Path, Path]:
    """The project and its models at another path, with other times, modes and order on the disk."""
    folder, home = place / name / "a b" / "p", place / name / "home"
    folder.mkdir(parents=True)
    for path in sorted((place / "project").iterdir(), reverse=way.backwards):
        (folder / path.name).write_bytes(path.read_bytes())
        (folder / path.name).chmod(0o755 if way.backwards else 0o644)
        os.utime(folder / path.name, (1, 1))
    shutil.copytree(place / "home" / "models", home / "models")
    if way.nobody and os.getuid() == 0:
        for path in (place / name, *(place / name).rglob("*")):
            shutil.chown(path, 65534)
    return folder, home


@pytest.mark.parametrize("name", WAYS)
def test_the_same_project_gives_the_same_file(place: Path, first: bytes, name: str) -> None:
    folder, home = copied(place, name, WAYS[name])
    assert exported(place, folder, home, WAYS[name]) == first


def test_one_other_byte_gives_another_file(place: Path, first: bytes) -> None:
    folder, home = copied(place, "changed", Way())
    (folder / "part_7.py").write_text("x = 8\n")
    assert exported(place, folder, home, Way()) != first
