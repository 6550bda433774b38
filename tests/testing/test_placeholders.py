"""`minibento.testing.models`: tags that answer without a store."""

from pathlib import Path

import pytest

from minibento.errors import InvalidTag, NotFound, UsageError
from minibento.models.resolving import get
from minibento.testing import models


@pytest.fixture(autouse=True)
def no_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINIBENTO_HOME", str(tmp_path / "home"))


def test_a_placeholder_has_its_tag_and_loads_nothing() -> None:
    with models({"risk:production": None}):
        model = get("risk:production")
    assert str(model.tag) == "risk:production"
    with pytest.raises(UsageError, match="placeholder"):
        model.load()


def test_a_tag_that_is_not_named_comes_from_the_store() -> None:
    with models({"risk:production": None}), pytest.raises(NotFound):
        get("other")


def test_after_the_block_the_tag_is_the_stores_again() -> None:
    with models({"risk": None}):
        get("risk:latest")
    with pytest.raises(NotFound):
        get("risk:latest")


def test_a_key_that_is_no_tag_is_refused() -> None:
    with pytest.raises(InvalidTag), models({"../x": None}):
        pass
