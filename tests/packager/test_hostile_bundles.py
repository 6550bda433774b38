"""Files that somebody else made: refused whole, on every way in (cases P1 to P7, M1)."""

import os
import resource
import shutil
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

from minibento.errors import MinibentoError
from minibento.store.home import local_store
from minibento.store.store import Store
from tests.bundles.hostile import CANARY, CASES, evil_wheel, repacked
from tests.bundles.making import installable
from tests.packager.projects import SERVICE, save_doubler

# Runs a file as `python3 FILE` does, in so much memory.
RUN = """
import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_AS, (512 << 20, 512 << 20))
del sys.argv[0]
sys.path[0] = sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture(scope="session")
def _good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("good")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MINIBENTO_HOME", str(folder / "home"))
        save_doubler()
        return installable(folder, "doubler", code=SERVICE)


@pytest.fixture
def file(tmp_path: Path, _good: Path) -> Path:
    """A whole bundle in a folder of its own, to be changed."""
    (tmp_path / "in").mkdir()
    return Path(shutil.copy(_good, tmp_path / "in" / "x.bundle"))


def install(file: Path, home: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-S", "-c", RUN, str(file), "install", "--home", str(home)],
        env={"PATH": os.environ["PATH"]},
        cwd=file.parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def canaries(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.name in {CANARY, "x", "abs", "cron.d"}]


def untouched(store: Store) -> bool:
    area = store.folder / ".staging"
    return store.list() == [] and (not area.exists() or list(area.iterdir()) == [])


@pytest.mark.parametrize("case", CASES)
def test_a_hostile_file_is_not_imported(file: Path, tmp_path: Path, case: str) -> None:
    CASES[case](file)
    store, begun = Store(tmp_path / "site", "bundles"), time.monotonic()
    with pytest.raises(MinibentoError, match=r"x\.bundle"):
        store.import_(file, trust=True)
    assert time.monotonic() - begun < 5
    assert untouched(store)
    assert canaries(tmp_path) == []


@pytest.mark.parametrize("case", CASES)
def test_a_hostile_file_is_not_installed(file: Path, tmp_path: Path, case: str) -> None:
    CASES[case](file)
    done = install(file, tmp_path / "site")
    # Of an empty file Python says nothing: it is an empty program.
    assert done.returncode == (0 if case == "P6 cut at 00 %" else 1), done.stdout
    assert untouched(Store(tmp_path / "site", "bundles"))
    assert sorted(tmp_path.iterdir()) in ([file.parent], [file.parent, tmp_path / "site"])
    assert not (tmp_path / "site" / "bin").exists()
    assert not (tmp_path / "site" / "envs").exists()
    assert canaries(tmp_path) == []
    if case not in NOT_RUN_BY_PYTHON:
        assert done.stderr.startswith(("Error: ", "importing ")), done.stderr
        assert "Traceback" not in done.stderr


# Python finds no program in them, and says so in its own way.
NOT_RUN_BY_PYTHON = {
    *(f"P6 cut at {tenths}0 %" for tenths in range(10)),
    *("P6 no archive", "P6 comment", "P6 trailing"),
    *("P1 not UTF-8",),
}


def test_the_detectors_can_fail(file: Path, tmp_path: Path) -> None:
    # What is packed by the same hands but for the change is taken in ...
    repacked(file, {"code/more.py": b"x = 1\n"})
    store = Store(tmp_path / "site", "bundles")
    assert store.import_(file).read("code/more.py") == b"x = 1\n"
    assert not untouched(store)
    # ... and the evil minibento does leave its canary where it is run.
    name, data = evil_wheel(file)
    (file.parent / "evil.whl").write_bytes(data)
    assert name.endswith(".whl")
    run = [sys.executable, "-S", "-c", "import minibento.packager.install"]
    subprocess.run(
        run, env={"PYTHONPATH": str(file.parent / "evil.whl")}, cwd=file.parent, check=False
    )
    assert canaries(tmp_path) == [file.parent / CANARY]


def test_a_file_with_special_bits_is_stored_without_them(file: Path, tmp_path: Path) -> None:
    def change(info: object) -> None:
        info.external_attr = 0o107777 << 16  # type: ignore[attr-defined]

    repacked(file, {"code/more.py": b""}, change=change)
    entry = Store(tmp_path / "site", "bundles").import_(file)
    assert (entry.path / "code" / "more.py").stat().st_mode == 0o100444
    assert (entry.path / "code" / "more.py").stat().st_uid == os.getuid()


def test_a_bundle_in_a_bundle_is_a_file_like_any_other(file: Path, tmp_path: Path) -> None:
    repacked(file, {"code/inner.zip": file.read_bytes()})
    entry = Store(tmp_path / "site", "bundles").import_(file)
    assert (entry.path / "code" / "inner.zip").is_file()


def test_two_bundles_that_share_a_model_are_both_imported(file: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "site", "bundles")
    first = store.import_(file)
    repacked(file, {"code/more.py": b""})
    second = store.import_(file)
    assert first.tag != second.tag
    for one in (first, second):
        store.verify(one.tag)


def test_refusing_a_million_files_takes_neither_time_nor_memory(tmp_path: Path) -> None:
    directory = (b"PK\1\2" + bytes(42)) * 1_000_000
    end = struct.pack(
        "<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, *[1_000_000] * 2, len(directory), 0
    )
    end += struct.pack("<4sLQL", b"PK\6\7", 0, len(directory), 1)
    end += struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    (tmp_path / "x.bundle").write_bytes(directory + end)
    begun, memory = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(MinibentoError, match="1000000 files: at most"):
        local_store("bundles").import_(tmp_path / "x.bundle")
    assert time.monotonic() - begun < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 20_000
