"""Build, export, import and install are killed and refused at every step (cases P15, S1, S6)."""

import shutil
import sys
from pathlib import Path

import pytest

from minibento.errors import NotFound
from minibento.store.home import local_store
from minibento.store.store import Entry, Store
from tests.bundles.making import make_bundle, runnable
from tests.crashing import DEPTHS, ERRORS, Scene, needs_strace, report, strace, thinned
from tests.packager.marking import MARK, marked
from tests.packager.projects import SERVICE, project, save_doubler, write_lock
from tests.processes.launching import until

VERBS = ["build", "export", "import", "install"]


class Bundling(Scene):
    """A home with a model and a bundle, a project, and a file to be imported or installed."""

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

    def environment(self, verb: str) -> dict[str, str]:
        inherited = {**super().environment(verb), **dict([MARK])}
        return inherited if verb != "install" else {**inherited, "PYTHONPATH": ""}


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Bundling:
    scene = Bundling(tmp_path_factory.mktemp("crashes"))
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


@needs_strace
@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("verb", VERBS)
def test_killed_at_any_step_nothing_is_half_there_and_the_next_run_works(
    scene: Scene, verb: str, depth: int, request: pytest.FixtureRequest
) -> None:
    tried = thinned(scene.steps(verb), depth)
    seen = {True: 0, False: 0}
    for step in tried:
        scene.killed(verb, step)
        until(lambda: marked() == [], 30, lambda: f"left: {marked()}")
        seen[check_whole(scene)] += 1
        check_next(scene, verb)
    # Kills before and after the moment of publishing must both have been tried.
    assert seen[True] > 0
    assert seen[False] > 0
    report(request, f"{verb}: killed at {len(tried)} steps, {seen[True]} after it was there")


@needs_strace
@pytest.mark.system
@pytest.mark.parametrize("count", [30, 300, 900])
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
    tried, refused = thinned(scene.failing(verb), depth), 0
    for number, step in enumerate(tried):
        error = ERRORS[number % 3]
        refused += bool(scene.refused(verb, step, error).returncode)
        check_whole(scene)
        assert list((scene.home / "bundles" / ".staging").glob("*")) == [], (step.line, error)
        assert list(scene.now.glob(".out*")) == []
        assert marked() == []
        check_next(scene, verb)
    assert refused > len(tried) // 2
    report(request, f"{verb}: refused at {refused} of {len(tried)} steps")


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
