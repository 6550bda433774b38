"""Build, export, import and install are killed and refused at every step (cases P15, S6).

kill -9 is not a power cut: what is on the disk by then, the order of the calls says (S2).
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from minibento.errors import NotFound
from minibento.store.home import local_store
from minibento.store.store import Entry, Store
from tests.bundles.making import make_bundle, runnable
from tests.packager.marking import MARK, marked
from tests.packager.projects import SERVICE, project, save_doubler, write_lock
from tests.processes.launching import until

ROOT = Path(__file__).parents[2]
CALLS = (
    *("mkdir", "write", "pwrite64", "fchmod", "chmod", "fsync", "sync", "flock", "rename"),
    *("unlink", "unlinkat", "rmdir", "sendfile", "copy_file_range", "ftruncate", "symlink"),
)
FAILING = ("mkdir", "write", "fchmod", "fsync", "rename", "sendfile", "flock")
VERBS = ["build", "export", "import", "install"]

needs_strace = pytest.mark.skipif(
    shutil.which("strace") is None, reason="strace is missing: apt-get install strace"
)
# How many of the steps of a verb are tried.
DEPTHS = [
    pytest.param(12, marks=pytest.mark.system, id="some"),
    pytest.param(10_000, marks=[pytest.mark.slow, pytest.mark.timeout(1800)], id="all"),
]


@dataclass(frozen=True)
class Scene:
    """What there is before each run, in `given`; each run has a copy of it, `now`."""

    folder: Path

    @property
    def given(self) -> Path:
        return self.folder / "given"

    @property
    def now(self) -> Path:
        return self.folder / "now"

    @property
    def home(self) -> Path:
        return self.now / "home"

    def renew(self) -> None:
        shutil.rmtree(self.now, ignore_errors=True)
        shutil.copytree(self.given, self.now, symlinks=True)

    def command(self, verb: str) -> list[str]:
        cli = [sys.executable, "-m", "minibento.cli"]
        return {
            "build": [*cli, "build", str(self.now / "project")],
            "export": [*cli, "bundles", "export", "kept", str(self.now / "out.bundle")],
            "import": [*cli, "bundles", "import", str(self.now / "x.bundle")],
            "install": [
                *(sys.executable, "-S", str(self.now / "x.bundle")),
                *("install", "--home", str(self.home)),
            ],
        }[verb]

    def run(self, verb: str, *around: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*around, *self.command(verb)],
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": "" if verb == "install" else str(ROOT),
                "PYTHONDONTWRITEBYTECODE": "1",
                "MINIBENTO_HOME": str(self.home),
                **dict([MARK]),
            },
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    def steps(self, verb: str) -> list[tuple[str, int, str]]:
        """Every call of one run as its name, the how-many-eth of that name, and its line."""
        self.renew()
        log = self.folder / "trace"
        done = self.run(verb, *strace(log, f"trace={','.join(CALLS)}"))
        assert done.returncode == 0, done.stderr
        seen: dict[str, int] = {}
        found = []
        for line in log.read_text().splitlines():
            name = line.partition("(")[0]
            if name in CALLS:
                seen[name] = seen.get(name, 0) + 1
                found.append((name, seen[name], line))
        return found


def strace(log: Path, expression: str) -> list[str]:
    """Of the process itself, not of those that it starts: they are left behind if it is killed."""
    return ["strace", "-qq", "-y", "-s", "0", "-o", str(log), "-e", expression]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    scene = Scene(tmp_path_factory.mktemp("crashes"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MINIBENTO_HOME", str(scene.given / "home"))
        save_doubler()
        files = {f"code/part{number}.py": "x = 1\n" for number in range(5)}
        make_bundle(SERVICE, "doubler", name="kept", files=files)
        folder = project(scene.given / "project", **{f"part{number}": "" for number in range(5)})
        write_lock(folder, "doubler")
        file = runnable(scene.given, "doubler", code=SERVICE)
        file.rename(scene.given / "x.bundle")
        local_store("bundles").delete("doubling")
    return scene


def check_whole(scene: Scene) -> bool:
    """All that can be seen is whole; whether there is anything new to be seen."""
    store = Store(scene.home, "bundles")
    listed = store.list()
    for one in listed:
        assert isinstance(one, Entry), one
        store.verify(one.tag)
    out = scene.now / "out.bundle"
    if out.exists():
        aside = Store(scene.now / "aside", "bundles")
        assert aside.verify(aside.import_(out).tag).tag == store.get("kept").tag
        shutil.rmtree(scene.now / "aside")
    try:
        tag = store.get("doubling:production").tag
    except NotFound:
        pass
    else:
        (environment,) = complete(scene)
        assert (environment / "bin" / "python").exists()
        for written in (
            scene.home / "bin" / "minibento",
            scene.home / "systemd" / "doubling.service",
        ):
            assert written.read_text().endswith("\n")
        store.verify(tag)
    return out.exists() or {one.tag.name for one in listed} != {"kept"}


def complete(scene: Scene) -> list[Path]:
    return [one.parent for one in (scene.home / "envs").glob("*/.complete")]


def check_next(scene: Scene, verb: str) -> None:
    """The next run does what this one did not, and leaves nothing of it."""
    (scene.now / "out.bundle").unlink(missing_ok=True)
    again = scene.run(verb)
    assert again.returncode == 0, again.stderr
    assert check_whole(scene)
    assert list((scene.home / "bundles" / ".staging").glob("*")) == []
    for folder in (scene.home / "envs").glob("[!.]*"):
        assert (folder / ".complete").is_file()
    if verb == "install":
        Store(scene.home, "bundles").verify("doubling:production")


def thinned(steps: list[tuple[str, int, str]], depth: int) -> list[tuple[str, int, str]]:
    """So many of them, over the whole run, the last ones always."""
    every = max(1, len(steps) // depth)
    return [*steps[:-6:every], *steps[-6:]]


@needs_strace
@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("verb", VERBS)
def test_killed_at_any_step_nothing_is_half_there_and_the_next_run_works(
    scene: Scene, verb: str, depth: int, request: pytest.FixtureRequest
) -> None:
    tried = thinned(scene.steps(verb), depth)
    seen = {True: 0, False: 0}
    for name, count, line in tried:
        scene.renew()
        killed = scene.run(
            verb, *strace(scene.folder / "log", f"inject={name}:signal=SIGKILL:when={count}")
        )
        assert killed.returncode in {-9, 137}, (line, killed)
        until(lambda: marked() == [], 30, lambda: f"left: {marked()}")
        seen[check_whole(scene)] += 1
        check_next(scene, verb)
    # Kills before and after the moment of publishing must both have been tried.
    assert seen[True] > 0
    assert seen[False] > 0
    _report(request, f"{verb}: killed at {len(tried)} steps, {seen[True]} after it was there")


@needs_strace
@pytest.mark.system
@pytest.mark.parametrize("count", [30, 300, 1500])
@pytest.mark.parametrize("verb", ["build", "install"])
def test_killed_with_all_that_it_starts_nothing_is_half_there(
    scene: Scene, verb: str, count: int
) -> None:
    """pip, the described service and the tried server too: each at so many files that it opens."""
    scene.renew()
    inject = f"inject=openat:signal=SIGKILL:when={count}"
    killed = scene.run(verb, *strace(scene.folder / "log", inject), "-f")
    assert killed.returncode not in {0, 2}, killed
    until(lambda: marked() == [], 30, lambda: f"left: {marked()}")
    check_whole(scene)
    check_next(scene, verb)


@needs_strace
@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("verb", VERBS)
def test_refused_by_the_disk_at_any_step_it_says_so_and_leaves_nothing(
    scene: Scene, verb: str, depth: int, request: pytest.FixtureRequest
) -> None:
    own = [one for one in scene.steps(verb) if one[0] in FAILING and str(scene.now) in one[2]]
    tried, refused = thinned(own, depth), 0
    for number, (name, count, line) in enumerate(tried):
        error = ("ENOSPC", "EIO", "EDQUOT")[number % 3]
        scene.renew()
        inject = f"inject={name}:error={error}:when={count}"
        done = scene.run(verb, *strace(scene.folder / "log", inject))
        assert done.returncode in {0, 1}, (line, error, done)
        assert "Traceback" not in done.stderr, (line, error, done.stderr)
        assert "not expected here" not in done.stderr, (line, error, done.stderr)
        if done.returncode:
            refused += 1
            said = done.stderr.splitlines()[-1]
            assert said.startswith("Error: "), (line, error, done.stderr)
            assert str(scene.now) in said, (line, error, said)
        check_whole(scene)
        assert list((scene.home / "bundles" / ".staging").glob("*")) == [], (line, error)
        assert list(scene.now.glob(".out*")) == []
        assert marked() == []
        check_next(scene, verb)
    assert refused > len(tried) // 2
    _report(request, f"{verb}: refused at {refused} of {len(tried)} steps")


def _report(request: pytest.FixtureRequest, text: str) -> None:
    """For docs/reliability.md: shown with -s."""
    capture: Callable[..., object] = request.config.get_terminal_writer().line
    capture(text)


@needs_strace
@pytest.mark.system
def test_the_detector_sees_a_version_that_is_half_there(scene: Scene) -> None:
    scene.renew()
    assert not check_whole(scene)
    store = Store(scene.home, "bundles")
    entry = store.import_(scene.now / "x.bundle")
    assert check_whole(scene)
    (entry.path / entry.files[0].path).unlink()
    with pytest.raises(Exception, match="is missing"):
        check_whole(scene)
    scene.renew()
    store.import_(scene.now / "x.bundle")
    store.alias("doubling", "production")
    with pytest.raises(ValueError, match="unpack"):
        check_whole(scene)
