"""A store of its own and the command line, for each test that asks."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from minibento.cli.main import root
from minibento.models.drafting import create
from minibento.tag import Tag

Run = Callable[..., Result]
Save = Callable[..., Tag]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "home"
    monkeypatch.setenv("MINIBENTO_HOME", str(path))
    return path


@pytest.fixture
def run(home: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `minibento` with these arguments, in this process."""
    monkeypatch.setenv("COLUMNS", "80")

    def invoke(*arguments: str, typed: str | None = None) -> Result:
        return CliRunner().invoke(root, arguments, prog_name="minibento", input=typed)

    return invoke


@pytest.fixture
def save(home: Path) -> Save:
    """Saves a model of one file and answers its exact tag."""

    def saved(name: str, text: str = "weights", version: str | None = None) -> Tag:
        with create(name, labels={"owner": "risk"}, version=version) as draft:
            (draft.path / "weights.txt").write_text(text)
        assert draft.tag is not None
        return draft.tag

    return saved


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A current folder whose modules are forgotten at the end."""
    path = tmp_path / "work"
    path.mkdir()
    monkeypatch.chdir(path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield path
    for name, module in list(sys.modules.items()):
        if name not in before and str(getattr(module, "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]
