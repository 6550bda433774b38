"""Fifty writers at once lose nothing, also when they are not root (cases S3, S4, S5)."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from minibento.store.store import Entry, Store
from tests.crashing import report

STAMPEDE = Path(__file__).with_name("stampede.py")
SOURCE = Path(__file__).parents[2]
ROUNDS = [
    pytest.param(2, id="two rounds"),
    pytest.param(20, id="twenty rounds", marks=pytest.mark.slow),
]


@pytest.fixture
def root() -> Iterator[Path]:
    """A folder that everybody may use: pytest's own are their user's alone."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)


def stampede(root: Path, task: str, processes: int, round_: int) -> list[dict[str, str]]:
    done = subprocess.run(
        [sys.executable, str(STAMPEDE), str(root / "home"), task, str(processes), str(round_)],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=900,
    )
    answers: list[dict[str, str]] = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == processes
    assert [answer["failed"] for answer in answers if "failed" in answer] == []
    return answers


def debris(root: Path) -> list[Path]:
    return list((root / "home" / "models" / ".staging").iterdir())


@pytest.mark.parametrize("rounds", ROUNDS)
def test_fifty_different_saves_at_once_are_fifty_whole_versions(root: Path, rounds: int) -> None:
    store = Store(root / "home")
    for round_ in range(rounds):
        answers = stampede(root, "distinct", 50, round_)
        assert len({answer["tag"] for answer in answers}) == 50
        listed = store.list()
        assert len(listed) == 50 * (round_ + 1)
        for one in listed:
            store.verify(one.tag)
        assert str(store.get("credit").tag) in {answer["tag"] for answer in answers}
        assert debris(root) == []


@pytest.mark.parametrize("rounds", ROUNDS)
def test_of_fifty_different_contents_under_one_version_exactly_one_is_saved(
    root: Path, rounds: int
) -> None:
    store = Store(root / "home")
    for round_ in range(rounds):
        answers = stampede(root, "conflicting", 50, round_)
        assert sum("tag" in answer for answer in answers) == 1
        assert (
            sum("exists with other content" in answer.get("exists", "") for answer in answers) == 49
        )
        store.verify(f"credit:v{round_}")
    assert debris(root) == []


@pytest.mark.parametrize("rounds", ROUNDS)
def test_fifty_saves_of_the_same_content_all_get_the_same_tag(root: Path, rounds: int) -> None:
    store = Store(root / "home")
    for round_ in range(rounds):
        answers = stampede(root, "same", 50, round_)
        assert {answer.get("tag") for answer in answers} == {f"credit:v{round_}"}
        store.verify(f"credit:v{round_}")
    assert debris(root) == []


def test_the_detector_sees_what_a_writer_may_not_find(root: Path) -> None:
    """A version that changes under its readers, and an exception that nobody has documented."""
    store = Store(root / "home")
    with store.draft("credit") as draft:
        (draft.path / "part0").write_text("one")
        entry = draft.publish({"content": "other"})
    (entry.path / "part0").chmod(0o644)
    (entry.path / "part0").write_text("two")
    store.folder.chmod(0o777)
    for folder in (store.folder / ".staging", store.folder / "credit"):
        folder.chmod(0o777)
    with pytest.raises(AssertionError, match="save or import it again"):
        stampede(root, "refused", 1, 0)


def test_a_store_of_another_user_is_read_and_not_written(root: Path) -> None:
    store = Store(root / "home")
    for name in ("credit", "secret"):
        with store.draft(name) as draft:
            (draft.path / "part0").write_text("x")
            draft.publish({})
    (store.folder / "secret").chmod(0)
    for folder in (store.folder / ".staging", store.folder / "credit", store.folder):
        folder.chmod(0o555)
    (answer,) = stampede(root, "refused", 1, 0)
    for folder in (store.folder, store.folder / ".staging", store.folder / "secret"):
        folder.chmod(0o755)
    assert f"cannot save 'credit': {store.folder}/.staging/" in answer["tag"]
    assert "Permission denied: give this user access, or set MINIBENTO_HOME" in answer["tag"]


@pytest.mark.parametrize(
    "seconds", ["1", pytest.param("60", marks=pytest.mark.slow, id="a minute")]
)
def test_saving_deleting_listing_and_reading_at_once_raise_only_what_is_documented(
    root: Path, seconds: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setenv("CHURN", seconds)
    answers = stampede(root, "churn", 20, 0)
    done = dict(answer["tag"].split() for answer in answers)
    assert set(done) == {f"own{number}" for number in range(20)}
    report(request, f"{sum(map(int, done.values()))} operations")
    store = Store(root / "home")
    for one in store.list():
        assert isinstance(one, Entry)
        store.verify(one.tag)
    assert debris(root) == []
