"""Which changes below a folder are noticed, and when they are told."""

import asyncio
import os
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from minibento.processes.watch_files import Snapshot, Watch, changes, snapshot

A, B = (1, 1, 1), (2, 1, 1)


def written(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")


def seen(folder: Path) -> set[str]:
    return {str(Path(path).relative_to(folder)) for path in snapshot(folder)}


def test_code_and_configuration_are_looked_at(tmp_path: Path) -> None:
    names = ["service.py", "a/b/model.py", "minibento.yaml", "x.yml", "pyproject.toml", ".env"]
    written(tmp_path, *names, "data.json", "notes.md", "service.pyc", "service.py~", "x.py.tmp")
    assert seen(tmp_path) == set(names)


def test_what_is_not_ours_is_not_looked_at(tmp_path: Path) -> None:
    written(
        tmp_path,
        "service.py",
        "._service.py",
        ".git/a.py",
        "__pycache__/a.py",
        "web/node_modules/a.py",
    )
    written(tmp_path, "venv/pyvenv.cfg", "venv/lib/a.py", "conda/conda-meta/x", "conda/a.py")
    (tmp_path / "around").symlink_to(tmp_path)
    (tmp_path / "nowhere.py").symlink_to(tmp_path / "missing")
    assert seen(tmp_path) == {"service.py"}


def test_a_project_that_is_itself_an_environment_is_looked_at(tmp_path: Path) -> None:
    written(tmp_path, "pyvenv.cfg", "service.py")
    assert seen(tmp_path) == {"service.py"}


def test_a_folder_that_is_not_there_has_no_files(tmp_path: Path) -> None:
    assert snapshot(tmp_path / "missing") == {}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_has_no_files(tmp_path: Path) -> None:
    written(tmp_path, "closed/a.py", "b.py")
    (tmp_path / "closed").chmod(0)
    assert seen(tmp_path) == {"b.py"}
    (tmp_path / "closed").chmod(0o700)


def test_new_other_and_deleted_files_are_changes(tmp_path: Path) -> None:
    written(tmp_path, "same.py", "other.py", "old.py")
    before = snapshot(tmp_path)
    (tmp_path / "other.py").write_text("longer")
    (tmp_path / "old.py").unlink()
    written(tmp_path, "sub/new.py")
    names = [Path(path).name for path in changes(before, snapshot(tmp_path))]
    assert names == ["old.py", "other.py", "new.py"]


def test_a_file_replaced_by_one_of_the_same_size_and_time_is_a_change(tmp_path: Path) -> None:
    written(tmp_path, "a.py", "a.py.tmp")
    for name in ("a.py", "a.py.tmp"):
        os.utime(tmp_path / name, ns=(1, 1))
    before = snapshot(tmp_path)
    (tmp_path / "a.py.tmp").replace(tmp_path / "a.py")
    assert changes(before, snapshot(tmp_path)) == [str(tmp_path / "a.py")]


def told(looks: Iterable[Snapshot], times: int = 1) -> list[list[str]]:
    """What a watch tells that sees these, one after the other."""
    following = iter(looks)

    async def run() -> list[list[str]]:
        watch = Watch(lambda: next(following), interval=0)
        return [await watch.changed() for _ in range(times)]

    return asyncio.run(asyncio.wait_for(run(), 5))


def test_a_rename_by_an_editor_is_told_once() -> None:
    # Moved away, written anew, made the same again by a formatter: three looks at one saving.
    looks: list[Snapshot] = [{"a": A}, {}, {"a": B}, {"a": (3, 2, 2)}, {"a": (3, 2, 2)}]
    assert told(looks) == [["a"]]


def test_what_came_and_went_is_not_told() -> None:
    looks: list[Snapshot] = [{"a": A}, {"a": A, "tmp": A}, {"a": A}, {"a": A}, {"a": B}, {"a": B}]
    assert told(looks) == [["a"]]


def test_changes_made_while_nobody_waited_are_told() -> None:
    looks: list[Snapshot] = [{"a": A}, {"a": B}, {"a": B}, {"a": B, "b": A}, {"a": B, "b": A}]
    assert told(looks, times=2) == [["a"], ["b"]]


def test_a_file_that_changes_all_the_time_is_told_in_the_end() -> None:
    assert told({"a": (count, 1, 1)} for count in range(1000)) == [["a"]]


def test_a_real_change_is_told(tmp_path: Path) -> None:
    written(tmp_path, "a.py")

    async def run() -> list[str]:
        watch = Watch(lambda: snapshot(tmp_path), interval=0.01)
        (tmp_path / "a.py").write_text("other")
        return await watch.changed()

    assert asyncio.run(asyncio.wait_for(run(), 5)) == [str(tmp_path / "a.py")]


def test_a_slow_look_is_made_less_often(tmp_path: Path) -> None:
    def slow() -> Snapshot:
        until = time.perf_counter() + 0.005
        while time.perf_counter() < until:
            pass
        return {}

    assert Watch(slow, interval=0.01)._pause >= 0.1


def test_a_look_at_2000_files_costs_a_few_milliseconds(tmp_path: Path) -> None:
    for folder in range(100):
        written(tmp_path, *(f"d{folder}/f{number}.py" for number in range(20)))
    spent = []
    for _ in range(5):
        begun = time.process_time()
        assert len(snapshot(tmp_path)) == 2000
        spent.append(time.process_time() - begun)
    assert min(spent) < 0.05  # 0.007 here
