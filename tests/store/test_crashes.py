"""The store is killed, starved and refused at every step it takes (cases S1, S2, S6, S7, S8)."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from minibento.store.store import Entry, Store

pytestmark = pytest.mark.system

ONE_SAVE = Path(__file__).with_name("one_save.py")
SOURCE = Path(__file__).parents[2]
CALLS = ["mkdir", "write", "fchmod", "chmod", "fsync", "flock", "rename", "unlinkat", "rmdir"]

needs_strace = pytest.mark.skipif(
    shutil.which("strace") is None, reason="strace is missing: apt-get install strace"
)
needs_root = pytest.mark.skipif(
    os.getuid() != 0 or shutil.which("unshare") is None, reason="mounting needs root"
)


def run_save(root: Path, content: str, *around: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [*around, sys.executable, str(ONE_SAVE), str(root), content],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def strace(log: Path, *options: str) -> list[str]:
    return ["strace", "-qq", "-y", "-s", "0", "-o", str(log), *options]


def trace(root: Path, tmp_path: Path) -> list[str]:
    """The calls of one save that goes well, each with the paths it concerns."""
    log = tmp_path / "trace"
    calls = ",".join(CALLS)
    assert run_save(root, "first", *strace(log, "-e", f"trace={calls}")).returncode == 0
    return log.read_text().splitlines()


def steps(root: Path, tmp_path: Path) -> list[tuple[str, int]]:
    """Every call of one save as (its name, the how-many-eth of that name)."""
    seen: dict[str, int] = {}
    found = []
    for line in trace(root, tmp_path):
        name = line.partition("(")[0]
        seen[name] = seen.get(name, 0) + 1
        found.append((name, seen[name]))
    return found


def check_whole(root: Path) -> set[str]:
    """All that can be seen is whole; returns the contents that can be."""
    store = Store(root)
    listed = store.list()
    for one in listed:
        assert isinstance(one, Entry), one
        assert len(store.verify(one.tag).files) == 50
    return {one.about["content"] for one in listed if isinstance(one, Entry)}


def thinned(found: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """Of the fifty files' like calls every seventh, of all others each."""
    return [(name, count) for name, count in found if not 4 < count <= 49 or count % 7 == 0]


@needs_strace
def test_killed_at_any_step_a_save_is_whole_or_not_there_and_the_next_one_works(
    tmp_path: Path,
) -> None:
    found = thinned(steps(tmp_path / "counting", tmp_path))
    assert len(found) > 40
    seen = {True: 0, False: 0}
    for number, (name, count) in enumerate(found):
        root = tmp_path / f"home{number}"
        inject = f"inject={name}:signal=SIGKILL:when={count}"
        killed = run_save(root, "killed", *strace(tmp_path / "log", "-e", inject))
        assert killed.returncode in {-9, 137}, (name, count, killed)
        visible = check_whole(root)
        seen[bool(visible)] += 1
        assert run_save(root, "next").returncode == 0
        assert check_whole(root) == visible | {"next"}
        assert Store(root).get("credit").about == {"content": "next"}
        assert list((root / "models" / ".staging").iterdir()) == []
        shutil.rmtree(root)
    # Kills before and after the moment of publishing must both have been tried.
    assert seen[True] > 0
    assert seen[False] > 0


@needs_strace
@pytest.mark.parametrize("error", ["ENOSPC", "EIO", "EDQUOT"])
def test_refused_by_the_disk_at_any_step_a_save_says_so_and_leaves_nothing(
    tmp_path: Path, error: str
) -> None:
    found = thinned(steps(tmp_path / "counting", tmp_path))
    writing = [step for step in found if step[0] in {"mkdir", "write", "fsync", "rename"}]
    refused = 0
    for number, (name, count) in enumerate(writing):
        root = tmp_path / f"home{number}"
        inject = f"inject={name}:error={error}:when={count}"
        done = run_save(root, "refused", *strace(tmp_path / "log", "-e", inject))
        assert done.returncode in {3, 4}, (name, count, done)
        if done.returncode == 4:
            refused += 1
            assert done.stderr.startswith("StoreError: "), done.stderr
            assert str(root) in done.stderr
        assert check_whole(root) == set()
        staging = root / "models" / ".staging"
        assert not staging.exists() or list(staging.iterdir()) == []
        assert run_save(root, "next").returncode == 0
        shutil.rmtree(root)
    assert refused > 10


@needs_strace
def test_everything_is_on_the_disk_before_it_is_visible_and_its_entry_after(
    tmp_path: Path,
) -> None:
    root = tmp_path / "home"
    lines = trace(root, tmp_path)
    (publish,) = [
        index for index, line in enumerate(lines) if re.match(r"rename\(.*/content\", ", line)
    ]
    synced = [re.search(r"<([^>]*)>", line) for line in lines]
    before = {found[1] for line, found in zip(lines[:publish], synced, strict=False)
              if line.startswith("fsync") and found is not None}  # fmt: skip
    after = [found[1] for line, found in zip(lines[publish:], synced[publish:], strict=True)
             if line.startswith("fsync") and found is not None]  # fmt: skip
    content = re.findall(r'"([^"]*)"', lines[publish])[0]
    names = {f"file{number:02}" for number in range(50)} | {"manifest.json"}
    assert {f"{content}/{name}" for name in names} | {content} <= before
    # The folders that are new are entered into theirs before anything is in them.
    assert {str(root.parent), str(root), str(root / "models")} <= before
    assert after[0] == str(root / "models" / "credit")
    assert not [line for line in lines[publish:] if line.startswith("write") and content in line]


@needs_root
def test_a_full_file_system_refuses_and_gets_its_space_back(tmp_path: Path) -> None:
    script = f"""
        set -e
        mount -t tmpfs -o size=1m tmpfs {tmp_path}
        export PYTHONPATH={SOURCE}
        {sys.executable} - <<'END'
from pathlib import Path
from minibento.errors import StoreError
from minibento.store.store import Store
import os, shutil
store = Store(Path("{tmp_path}/home"))
for content in (bytes(100_000), bytes(3_000_000)):
    free = shutil.disk_usage("{tmp_path}").free
    try:
        with store.draft("credit") as draft:
            (draft.path / "model").write_bytes(content)
            draft.publish({{}})
    except OSError as error:
        print("refused", error.strerror, free - shutil.disk_usage("{tmp_path}").free)
archive = Path("{tmp_path}/home/x.zip")
store.export("credit", archive)
with (Path("{tmp_path}") / "filler").open("wb") as filler:
    try:
        filler.write(bytes(3_000_000))
    except OSError:
        pass
os.truncate("{tmp_path}/filler", 700_000)
store.delete("credit")
Path("{tmp_path}/filler2").write_bytes(bytes(os.statvfs("{tmp_path}").f_bavail * 4096 - 50_000))
try:
    store.import_(archive)
except StoreError as error:
    print(error)
print(store.list(), os.listdir(store.folder / ".staging"))
os.truncate("{tmp_path}/filler2", 0)
print(store.import_(archive).size)
END
    """
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script], capture_output=True, text=True, check=False,
        timeout=60,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr
    assert lines[0] == "refused No space left on device 0"
    assert "free some space and try again" in lines[1]
    assert str(tmp_path) in lines[1]
    assert lines[2:] == ["[] []", "100000"]


@needs_root
def test_a_read_only_store_serves_what_it_has_and_refuses_the_rest(tmp_path: Path) -> None:
    store = Store(tmp_path / "home")
    with store.draft("credit") as draft:
        (draft.path / "model").write_bytes(b"model")
        draft.publish({}, "v1")
    store.alias("credit", "production")
    script = f"""
        set -e
        mount --bind {tmp_path} {tmp_path}
        mount -o remount,ro,bind {tmp_path}
        export PYTHONPATH={SOURCE} PYTHONDONTWRITEBYTECODE=1
        {sys.executable} - <<'END'
from pathlib import Path
from minibento.errors import StoreError
from minibento.store.store import Store
store = Store(Path("{tmp_path}/home"))
assert store.get("credit:production").read("model") == b"model"
assert store.verify("credit").tag == store.list()[0].tag
for use in (
    lambda: store.draft("credit").__enter__(),
    lambda: store.draft("churn").__enter__(),
    lambda: store.delete("credit", force=True),
    lambda: store.alias("credit", "other"),
    lambda: store.rollback("credit", "production"),
    lambda: store.export("credit", store.folder / "x.zip"),
    lambda: Store(Path("{tmp_path}/new")).draft("credit").__enter__(),
):
    try:
        use()
    except StoreError as error:
        print(error)
END
    """
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script], capture_output=True, text=True, check=False,
        timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 7
    for line in lines:
        assert re.search(f"{tmp_path}.*Read-only file system: make it writable", line)
