"""Many builders at once, of one project and of many (case P15)."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from minibento.store.home import local_store
from minibento.store.store import Entry
from tests.packager.marking import MARK, marked
from tests.packager.projects import project, write_lock

# No runner and no model: fifty servers are tried at once.
SERVICE = """
import minibento


@minibento.service(name="{name}")
class Plain:
    @minibento.api
    async def same(self, number: float) -> float:
        return number
"""


@pytest.mark.parametrize(
    "builders",
    [6, pytest.param(50, marks=[pytest.mark.slow, pytest.mark.timeout(900)])],
)
def test_builders_at_once_make_whole_bundles_and_one_of_one_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, builders: int
) -> None:
    monkeypatch.setenv("MINIBENTO_HOME", str(tmp_path / "home"))
    folders = [project(tmp_path / "same", service=SERVICE.format(name="same"))] * (builders // 2)
    for number in range(builders - len(folders)):
        own = SERVICE.format(name=f"own-{number % 5}") + f"# {number}\n"
        folders.append(project(tmp_path / str(number), service=own))
    for folder in set(folders):
        write_lock(folder)
    children = [
        subprocess.Popen(
            [sys.executable, "-m", "minibento.cli", "build", str(folder), "-o", "json"],
            env={**os.environ, **dict([MARK])},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for folder in folders
    ]
    said = [child.communicate(timeout=800) for child in children]
    assert [child.returncode for child in children] == [0] * builders, said
    tags = [json.loads(out)["tag"] for out, _ in said]
    same = builders // 2
    assert len(set(tags[:same])) == 1
    assert len(set(tags[same:])) == builders - same
    store = local_store("bundles")
    listed = store.list()
    assert {str(one.tag) for one in listed} == set(tags)
    for one in listed:
        assert isinstance(one, Entry)
        store.verify(one.tag)
    assert list((store.folder / ".staging").iterdir()) == []
    assert marked() == []


def test_a_missing_lock_is_made_once_by_builders_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What resolves is put in its place: an index is asked by nobody here."""
    monkeypatch.setenv("MINIBENTO_HOME", str(tmp_path / "home"))
    folder = project(tmp_path / "same", service=SERVICE.format(name="same"))
    made = write_lock(folder).rename(tmp_path / "made")
    program = f"""
import pathlib, sys
from minibento.packager import lock
def resolved(*_):
    with open({str(tmp_path / "resolved")!r}, "a") as file:
        file.write("x")
    lines = pathlib.Path({str(made)!r}).read_bytes().splitlines(keepends=True)
    return b"".join(line for line in lines if not line.startswith(b"#"))
lock._by_uv = resolved
from minibento.cli.main import main
main(["build", {str(folder)!r}])
"""
    children = [
        subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE) for _ in range(6)
    ]
    said = [child.communicate(timeout=100)[1] for child in children]
    assert [child.returncode for child in children] == [0] * 6, said
    assert (tmp_path / "resolved").read_text() == "x"
    assert (folder / "requirements.lock").read_bytes() == made.read_bytes()
    assert sorted(one.name for one in folder.iterdir()) == ["requirements.lock", "service.py"]
