"""The store is killed, starved and refused at every step it takes (cases S1, S2, S6, S7, S8)."""

import os
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from minibento.errors import Corrupt, NotFound
from minibento.remotes import transfer
from minibento.remotes.address import Address
from minibento.remotes.base import opened
from minibento.store.store import Entry, Store
from tests.crashing import DEPTHS, ERRORS, Scene, needs_strace, report, thinned

ONE_SAVE = Path(__file__).with_name("one_save.py")
SOURCE = Path(__file__).parents[2]
VERBS = ["save", "delete", "alias", "unalias", "rollback", "export", "import", "push", "pull"]
# What these have done cannot be done twice; the others can.
ONCE = {"delete", "unalias", "rollback"}

needs_root = pytest.mark.skipif(
    os.getuid() != 0 or shutil.which("unshare") is None, reason="mounting needs root"
)


class Silent:
    """Progress that nobody looks at."""

    def begin(self, path: str, size: int) -> None:
        pass

    def moved(self, count: int) -> None:
        pass


class Storing(Scene):
    """A store of two versions with an alias, an archive and a shared folder of another name."""

    @property
    def share(self) -> str:
        return f"file://{self.now}/share"

    def command(self, verb: str) -> list[str]:
        models = [sys.executable, "-m", "minibento.cli", "models"]
        return {
            "save": [sys.executable, str(ONE_SAVE), str(self.home), "new"],
            "delete": [*models, "delete", "--yes", "--force", "credit:v2"],
            "alias": [*models, "alias", "credit:v1", "production"],
            "unalias": [*models, "alias", "credit", "production", "--delete"],
            "rollback": [*models, "alias", "credit", "production", "--rollback"],
            "export": [*models, "export", "credit:v2", str(self.now / "out.zip")],
            "import": [*models, "import", str(self.now / "x.zip")],
            "push": [*models, "push", "credit:v2", f"{self.share}:production"],
            "pull": [*models, "pull", f"{self.share}:kept"],
        }[verb]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Storing:
    scene = Storing(tmp_path_factory.mktemp("crashes"))
    store = Store(scene.given / "home")
    for version in ("v1", "v2"):
        fill(store, "credit", version)
        store.alias(f"credit:{version}", "production")
    aside = Store(scene.folder / "aside")
    fill(aside, "imported", "w1")
    aside.export("imported", scene.given / "x.zip")
    share = Address.parse(f"file://{scene.given}/share:kept")
    transfer.push(fill(aside, "pulled", "w1"), share, Silent())
    return scene


def fill(store: Store, name: str, version: str) -> Entry:
    with store.draft(name) as draft:
        (draft.path / "below").mkdir()
        for path in ("a", "b", "below/c"):
            (draft.path / path).write_text(f"{name} {version} {path}" * 1000)
        return draft.publish({"content": version}, version)


def check_whole(scene: Storing) -> set[str]:
    """All that can be seen is whole; what that is."""
    store = Store(scene.home)
    seen = set()
    for one in store.list():
        assert isinstance(one, Entry), one
        store.verify(one.tag)
        seen.add(f"{one.tag}" if one.tag.name != "credit" else f"credit of {one.about['content']}")
    for name in {"credit", "imported", "pulled"} & {one.tag.name for one in store.list()}:
        seen.add(f"latest of {name} is {store.get(name).about['content']}")
        for alias in store.aliases(name):
            # One whose version is deleted, and which could not be told of it, is not found.
            with suppress(NotFound):
                seen.add(f"{alias} is {store.get(f'{name}:{alias}').tag}")
    aside = Store(scene.now / "aside")
    if (scene.now / "out.zip").exists():
        seen.add(f"out.zip with {aside.import_(scene.now / 'out.zip').tag}")
    with opened(Address.parse(scene.share), writing=False) as remote:
        names = remote.names()
    for name in names:
        address = Address.parse(f"{scene.share}:{name}")
        entry, _ = transfer.pull(aside, address, Silent(), trust=False, latest=False)
        seen.add(f"share with {entry.tag} as {name}")
    shutil.rmtree(aside.folder.parent, ignore_errors=True)
    return seen


def ends(scene: Storing, verb: str) -> tuple[set[str], set[str]]:
    """What can be seen before, and after a run that goes well."""
    scene.renew()
    before = check_whole(scene)
    assert scene.run(verb).returncode == 0
    after = check_whole(scene)
    assert before != after
    return before, after


def staged(scene: Storing) -> list[Path]:
    return list((scene.home / "models" / ".staging").glob("*"))


def check_next(scene: Storing, verb: str, after: set[str]) -> None:
    """The next run does what this one did not, and leaves nothing of it."""
    done = verb in ONCE and check_whole(scene) == after
    (scene.now / "out.zip").unlink(missing_ok=True)
    again = scene.run(verb)
    assert again.returncode == int(done), again
    assert check_whole(scene) == after
    with Store(scene.home).draft("another"):
        assert len(staged(scene)) == 1
    assert staged(scene) == []


@needs_strace
@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("verb", VERBS)
def test_killed_at_any_step_nothing_is_half_there_and_the_next_run_works(
    scene: Storing, verb: str, depth: int, request: pytest.FixtureRequest
) -> None:
    before, after = ends(scene, verb)
    steps = scene.steps(verb)
    tried, done, between = thinned(steps, depth), 0, 0
    for step in tried:
        scene.killed(verb, step)
        seen = check_whole(scene)
        # What is neither asked for nor undone stays as it was; nothing else appears.
        assert before & after <= seen <= before | after, step.line
        done += seen == after
        between += seen not in (before, after)
        check_next(scene, verb, after)
    # Kills before and after the moment of publishing must both have been tried.
    assert 0 < done < len(tried)
    report(request, f"{verb}: killed at {len(tried)} of {len(steps)}, {done} done, {between} other")


@needs_strace
@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("verb", VERBS)
def test_refused_by_the_disk_at_any_step_it_says_so_and_leaves_nothing(
    scene: Storing, verb: str, depth: int, request: pytest.FixtureRequest
) -> None:
    before, after = ends(scene, verb)
    steps = scene.failing(verb)
    tried, refused = thinned(steps, depth), 0
    for number, step in enumerate(tried):
        done = scene.refused(verb, step, ERRORS[number % 3])
        refused += done.returncode
        seen = check_whole(scene)
        if verb == "push" and done.returncode:  # its names may be there already: pushing mends it
            assert before <= seen <= after, (step.line, done)
        else:
            assert seen == (before if done.returncode else after), (step.line, done)
        assert staged(scene) == [], step.line
        assert list(scene.now.rglob(".out*")) == [], step.line
        check_next(scene, verb, after)
    assert refused > len(tried) // 2
    report(request, f"{verb}: refused at {refused} of {len(tried)} of {len(steps)}")


@pytest.mark.system
def test_the_detector_sees_what_is_half_there(scene: Storing) -> None:
    scene.renew()
    assert "credit of v2" in check_whole(scene)
    (scene.home / "models" / "credit" / "v2" / "a").unlink()
    with pytest.raises(Corrupt, match="'a' is missing"):
        check_whole(scene)
    scene.renew()
    (scene.now / "out.zip").write_bytes((scene.now / "x.zip").read_bytes()[:-100])
    with pytest.raises(Corrupt):
        check_whole(scene)
    scene.renew()
    next((scene.now / "share").rglob("[0-9a-f]" * 64)).unlink()
    with pytest.raises(Corrupt):
        check_whole(scene)


@needs_strace
@pytest.mark.system
def test_everything_is_on_the_disk_before_it_is_visible_and_its_entry_after(
    tmp_path: Path,
) -> None:
    scene, root = Storing(tmp_path), tmp_path / "now" / "home"
    scene.given.mkdir()
    lines = [step.line for step in scene.steps("save")]
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
@pytest.mark.system
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
@pytest.mark.system
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
