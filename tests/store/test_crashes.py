"""The store is killed, starved and refused at every step it takes (cases S1, S2, S6, S7, S8)."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from minibento.errors import Corrupt, NotFound
from minibento.remotes import transfer
from minibento.remotes.address import Address
from minibento.remotes.base import opened
from minibento.store.store import Entry, Store
from tests.crashing import DEPTHS, ERRORS, Scene, Step, needs_strace, report, thinned
from tests.store.broken_save import WAYS

ONE_SAVE = Path(__file__).with_name("one_save.py")
BROKEN_SAVE = Path(__file__).with_name("broken_save.py")
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
        if verb in WAYS:
            return [sys.executable, str(BROKEN_SAVE), verb, str(self.home), "new"]
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


Ends = tuple[set[str], set[str]]


def ends_of(scene: Storing, verb: str) -> Ends:
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


def check_killed(scene: Storing, verb: str, step: Step, ends: Ends) -> set[str]:
    """S1: nothing is half there, and the next run works; what can be seen after the kill."""
    before, after = ends
    scene.killed(verb, step)
    seen = check_whole(scene)
    # What is neither asked for nor undone stays as it was; nothing else appears.
    assert before & after <= seen <= before | after, step.line
    check_next(scene, verb, after)
    return seen


@needs_strace
@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("verb", VERBS)
def test_killed_at_any_step_nothing_is_half_there_and_the_next_run_works(
    scene: Storing, verb: str, depth: int, request: pytest.FixtureRequest
) -> None:
    ends, steps = ends_of(scene, verb), scene.steps(verb)
    tried, done, between = thinned(steps, depth), 0, 0
    for step in tried:
        seen = check_killed(scene, verb, step, ends)
        done += seen == ends[1]
        between += seen not in ends
    # Kills before and after the moment of publishing must both have been tried.
    assert 0 < done < len(tried)
    report(request, f"{verb}: killed at {len(tried)} of {len(steps)}, {done} done, {between} other")


def check_refused(scene: Storing, verb: str, step: Step, error: str, ends: Ends) -> bool:
    """S6: done or not, nothing of it is kept, and the next run works; whether it was refused."""
    before, after = ends
    done = scene.refused(verb, step, error)
    seen = check_whole(scene)
    if verb == "push" and done.returncode:  # its names may be there already: pushing mends it
        assert before <= seen <= after, (step.line, done)
    else:
        assert seen == (before if done.returncode else after), (step.line, done)
    assert staged(scene) == [], step.line
    assert list(scene.now.rglob(".out*")) == [], step.line
    check_next(scene, verb, after)
    return bool(done.returncode)


@needs_strace
@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("verb", VERBS)
def test_refused_by_the_disk_at_any_step_it_says_so_and_leaves_nothing(
    scene: Storing, verb: str, depth: int, request: pytest.FixtureRequest
) -> None:
    ends, steps = ends_of(scene, verb), scene.failing(verb)
    tried, refused = thinned(steps, depth), 0
    for number, step in enumerate(tried):
        refused += check_refused(scene, verb, step, ERRORS[number % 3], ends)
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
def test_the_detector_sees_a_save_that_fills_its_version_in_place(scene: Storing) -> None:
    """The negative control of S1 and S6, killed and refused."""
    ends = ends_of(scene, "in place")
    step = [one for one in scene.steps("in place") if one.name == "sendfile"][25]
    with pytest.raises(AssertionError, match="Broken"):
        check_killed(scene, "in place", step, ends)
    with pytest.raises(AssertionError, match="credit of new"):
        check_refused(scene, "in place", step, "ENOSPC", ends)


@needs_strace
@pytest.mark.system
@pytest.mark.parametrize(
    ("way", "seen"), [("no words", "Traceback"), ("no clearing up", "Left contains one more item")]
)
def test_the_detector_sees_a_refusal_without_words_and_one_that_keeps_what_it_had(
    scene: Storing, way: str, seen: str
) -> None:
    """The negative control of S6."""
    step = [one for one in scene.failing(way) if one.name == "fsync"][-9]
    with pytest.raises(AssertionError, match=seen):
        check_refused(scene, way, step, "ENOSPC", ends_of(scene, way))


def check_order(lines: Sequence[str], root: Path) -> None:
    """S2: all of a save is on the disk before it is visible, and its entry after."""
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
    assert after[:1] == [str(root / "models" / "credit")]
    assert not [line for line in lines[publish:] if line.startswith("write") and content in line]


@pytest.fixture
def empty(tmp_path: Path) -> Storing:
    """No store as yet, so that its folders are made too."""
    scene = Storing(tmp_path)
    scene.given.mkdir()
    return scene


@needs_strace
@pytest.mark.system
def test_everything_is_on_the_disk_before_it_is_visible_and_its_entry_after(empty: Storing) -> None:
    check_order([step.line for step in empty.steps("save")], empty.home)


@needs_strace
@pytest.mark.system
@pytest.mark.parametrize("way", [way for way in WAYS if "sync" in way])
def test_the_detector_sees_a_save_that_forgets_to_wait_for_the_disk(
    empty: Storing, way: str
) -> None:
    """The negative control of S2."""
    lines = [step.line for step in empty.steps(way)]
    with pytest.raises(AssertionError):
        check_order(lines, empty.home)


def mounted(script: str) -> "subprocess.CompletedProcess[str]":
    """Run a script that may mount."""
    return subprocess.run(
        ["unshare", "-m", "sh", "-c", f"set -e\n{script}"],
        env={**os.environ, "PYTHONPATH": str(SOURCE), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def check_full(folder: Path, broken: str = "") -> None:
    """S7: a save and an import are refused in a line and give their space back.

    Args:
        broken: Statements that break the store before.
    """
    done = mounted(f"""
        mount -t tmpfs -o size=1m tmpfs {folder}
        {sys.executable} - <<'END'
from pathlib import Path
from minibento.errors import StoreError
from minibento.store.store import Store
import os, shutil
{broken}
store = Store(Path("{folder}/home"))
for content in (bytes(100_000), bytes(3_000_000)):
    free = shutil.disk_usage("{folder}").free
    try:
        with store.draft("credit") as draft:
            (draft.path / "model").write_bytes(content)
            draft.publish({{}})
    except OSError as error:
        print("refused", error.strerror, free - shutil.disk_usage("{folder}").free)
archive = Path("{folder}/home/x.zip")
store.export("credit", archive)
with (Path("{folder}") / "filler").open("wb") as filler:
    try:
        filler.write(bytes(3_000_000))
    except OSError:
        pass
os.truncate("{folder}/filler", 700_000)
store.delete("credit")
Path("{folder}/filler2").write_bytes(bytes(os.statvfs("{folder}").f_bavail * 4096 - 50_000))
try:
    store.import_(archive)
except StoreError as error:
    print(error)
print(store.list(), os.listdir(store.folder / ".staging"))
os.truncate("{folder}/filler2", 0)
print(store.import_(archive).size)
END
    """)
    lines = done.stdout.splitlines()
    assert lines[0] == "refused No space left on device 0"
    assert "free some space and try again" in lines[1]
    assert str(folder) in lines[1]
    assert lines[2:] == ["[] []", "100000"]
    assert done.returncode == 0, done.stderr


@needs_root
@pytest.mark.system
def test_a_full_file_system_refuses_and_gets_its_space_back(tmp_path: Path) -> None:
    check_full(tmp_path)


@needs_root
@pytest.mark.system
def test_the_detector_sees_a_store_that_keeps_what_it_could_not_save(tmp_path: Path) -> None:
    """The negative control of S7."""
    with pytest.raises(AssertionError, match=r"refused No space left on device [1-9]"):
        check_full(
            tmp_path, "from minibento.store import staging; staging.remove_tree = lambda _: None"
        )


def check_read_only(folder: Path, mount: str) -> None:
    """S8: what is there is read, and all that would write is refused in a line with the mend.

    Args:
        mount: How the folder is mounted anew.
    """
    done = mounted(f"""
        mount --bind {folder} {folder}
        mount -o remount,{mount},bind {folder}
        {sys.executable} - <<'END'
from pathlib import Path
from minibento.errors import StoreError
from minibento.store.store import Store
store = Store(Path("{folder}/home"))
assert store.get("credit:production").read("model") == b"model"
assert store.verify("credit").tag == store.list()[0].tag
for use in (
    lambda: store.draft("credit").__enter__(),
    lambda: store.draft("churn").__enter__(),
    lambda: store.alias("credit", "other"),
    lambda: store.rollback("credit", "production"),
    lambda: store.export("credit", store.folder / "x.zip"),
    lambda: store.delete("credit", force=True),
    lambda: Store(Path("{folder}/new")).draft("credit").__enter__(),
):
    try:
        use()
    except StoreError as error:
        print(error)
END
    """)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 7, lines
    for line in lines:
        assert re.search(f"{folder}.*Read-only file system: make it writable", line)


@pytest.fixture
def held(tmp_path: Path) -> Path:
    """A folder with a store whose `credit:production` may go back."""
    store = Store(tmp_path / "home")
    for version in ("v1", "v2"):
        with store.draft("credit") as draft:
            (draft.path / "model").write_bytes(b"model")
            draft.publish({}, version)
        store.alias("credit", "production")
    return tmp_path


@needs_root
@pytest.mark.system
def test_a_read_only_store_serves_what_it_has_and_refuses_the_rest(held: Path) -> None:
    check_read_only(held, "ro")


@needs_root
@pytest.mark.system
def test_the_detector_sees_a_store_that_is_written_though_it_may_not(held: Path) -> None:
    """The negative control of S8: nothing hinders the writing."""
    with pytest.raises(AssertionError, match="0 == 7"):
        check_read_only(held, "rw")
