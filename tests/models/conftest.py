"""A store of its own for each test."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`$MINIBENTO_HOME`, not yet there."""
    path = tmp_path / "home"
    monkeypatch.setenv("MINIBENTO_HOME", str(path))
    return path
