"""A model that can run code and says that it cannot is run by nobody (fault M1).

What it would do is leave a canary.
"""

import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from minibento.errors import Untrusted
from minibento.models.about import About, Signature
from minibento.store.store import Entry, Store
from minibento.wire.row_spec import RowSpec
from tests.packager.projects import write_lock
from tests.processes.launching import launched

ROOT = Path(__file__).parents[2]
SERVICE = """
import minibento

@minibento.service(name="Serving")
class Serving:
    model = minibento.models.get("evil:production").to_runner()

    @minibento.api
    async def predict(self, number: int) -> int:
        return await self.model.predict(number)
"""
LOAD = 'import minibento; minibento.models.get("evil:production").load()'
RUN = """
import minibento
with minibento.models.get("evil:production").to_runner() as runner:
    runner.predict.run(1)
"""
ABOUT = About(
    "picklable_model", methods={"predict": Signature(True, RowSpec("list"))}, executes_code=True
)


class Model:
    """Leaves its canary when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> Any:
        return made, (self.canary,)

    def predict(self, numbers: list[int]) -> list[int]:
        return numbers


def made(canary: Path) -> Model:
    canary.touch()
    return Model(canary)


class Scene:
    """A store and a project that serves `evil:production`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.canary = folder / "canary"
        self.store = Store(folder / "home")
        (folder / "service.py").write_text(SERVICE)

    def archive(self, about: About) -> Path:
        """What somebody else has sent."""
        there = Store(self.folder / "elsewhere")
        with there.draft("evil") as draft:
            (draft.path / "model.pkl").write_bytes(pickle.dumps(Model(self.canary)))
            tag = draft.publish(about.to_json(), "v1").tag
        return there.export(tag, self.folder / "evil.zip")

    def taken_in(self, about: About, *, trust: bool = False) -> Entry:
        entry = self.store.import_(self.archive(about), trust=trust)
        self.store.alias(entry.tag, "production")
        return entry

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "MINIBENTO_HOME": str(self.store.folder.parent),
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    monkeypatch.setenv("MINIBENTO_HOME", str(tmp_path / "home"))
    return Scene(tmp_path)


def serve(scene: Scene) -> str:
    with launched(scene.folder, "--set", "start_timeout=20") as server:
        server.prints("^ready:|does not|did not start|Error")
        if "ready:" in server.output:
            return ""
        assert server.ends(20) == 1
        return server.output


def load(scene: Scene) -> str:
    return scene.run("-c", LOAD).stderr


def to_runner(scene: Scene) -> str:
    return scene.run("-c", RUN).stderr


def build(scene: Scene) -> str:
    write_lock(scene.folder, "evil:production")
    return scene.run("-m", "minibento.cli", "build", ".").stderr


USES: list[Callable[[Scene], str]] = [serve, load, to_runner, build]
HIDING = replace(ABOUT, executes_code=False)


@pytest.mark.parametrize("use", USES)
def test_a_manifest_that_hides_its_code_is_refused_by_whoever_would_run_it(
    scene: Scene, use: Callable[[Scene], str]
) -> None:
    scene.taken_in(HIDING)
    assert "the manifest says that the model runs no code" in use(scene)
    assert not scene.canary.exists()


@pytest.mark.parametrize("use", USES)
def test_what_owns_up_and_was_vouched_for_does_run(
    scene: Scene, use: Callable[[Scene], str]
) -> None:
    """The negative control: the canary is left where nothing is wrong."""
    scene.taken_in(ABOUT, trust=True)
    assert "the manifest says" not in use(scene)
    assert scene.canary.exists()


@pytest.mark.parametrize("use", USES)
def test_what_nobody_vouches_for_any_more_is_refused(
    scene: Scene, use: Callable[[Scene], str]
) -> None:
    scene.taken_in(ABOUT, trust=True)
    state = scene.store.folder / "evil" / ".state.json"
    state.write_text(state.read_text().replace('"trusted": true', '"trusted": false'))
    assert "nobody vouches for it any more" in use(scene)
    assert not scene.canary.exists()


def test_a_reload_does_not_run_it_and_the_old_one_goes_on(scene: Scene) -> None:
    with scene.store.draft("evil") as draft:
        (draft.path / "model.pkl").write_bytes(pickle.dumps(Model(scene.folder / "harmless")))
        scene.store.alias(draft.publish(ABOUT.to_json(), "v0").tag, "production")
    with launched(scene.folder) as server:
        assert server.url
        scene.taken_in(HIDING)
        command = [sys.executable, "-m", "minibento.cli", "reload", "Serving"]
        run = {"MINIBENTO_RUN_DIR": str(server.run), "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            command, env={**os.environ, **run}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 1
        assert "the manifest says that the model runs no code" in done.stderr
    assert not scene.canary.exists()


def test_what_owns_up_is_not_taken_in_without_trust(scene: Scene) -> None:
    archive = scene.archive(ABOUT)
    with pytest.raises(Untrusted, match="with --trust"):
        scene.store.import_(archive)
    done = scene.run("-m", "minibento.cli", "models", "import", str(archive))
    assert done.returncode == 1
    assert "with --trust" in done.stderr
    assert scene.store.list() == []
    assert not scene.canary.exists()
