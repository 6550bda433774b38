"""models.create: any files, as one version or not at all."""

from pathlib import Path

import pytest

from minibento import models
from minibento.errors import DeclarationError, InvalidTag, SaveRefused, UsageError
from tests.models.stored import files_below


def test_what_the_block_writes_becomes_a_version() -> None:
    with models.create("sentiment", labels={"owner": "a"}, metadata={"f1": 0.9}) as draft:
        (draft.path / "weights.bin").write_bytes(b"123")
    model = models.get("sentiment")
    assert model.tag == draft.tag
    assert (model.path / "weights.bin").read_bytes() == b"123"
    assert (model.labels, model.metadata) == ({"owner": "a"}, {"f1": 0.9})


def test_nothing_is_left_when_the_block_raises(home: Path) -> None:
    def write_and_fail() -> None:
        with models.create("sentiment") as draft:
            (draft.path / "model.pkl").write_bytes(b"123")
            assert files_below(home) == [draft.path / "model.pkl"]
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_fail()
    assert models.list() == []
    assert files_below(home) == []


def test_a_block_that_writes_nothing_is_refused() -> None:
    with pytest.raises(SaveRefused, match=r"no file into draft\.path"), models.create("a") as draft:
        (draft.path / "empty").mkdir()
    assert models.list() == []


def test_bad_arguments_are_refused_before_the_block() -> None:
    with pytest.raises(InvalidTag), models.create("../a"):
        pytest.fail("the block ran")
    with pytest.raises(DeclarationError), models.create("a", labels={"a": 1}):  # type: ignore[dict-item]
        pytest.fail("the block ran")


def test_it_has_no_object_to_load_and_says_what_to_do() -> None:
    with models.create("sentiment", version="v1") as draft:
        (draft.path / "weights.bin").write_bytes(b"123")
    model = models.get("sentiment:v1")
    for call in (model.load, model.to_runner, model.load_runnable):
        with pytest.raises(UsageError, match=r"minibento\.Runner"):
            call()
