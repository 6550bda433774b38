"""Fifty writers at once lose nothing, also when they are not root (cases S3, S4, S5; S8)."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from minibento.store.state import read_state
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


def stampede(
    root: Path, task: str, processes: int, round_: int, without: str = ""
) -> list[dict[str, str]]:
    """What each process answers; the store lacks what it is `without`."""
    count = str(processes)
    done = subprocess.run(
        [sys.executable, str(STAMPEDE), str(root / "home"), task, count, str(round_), without],
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


def saved_distinct(root: Path, round_: int, without: str = "") -> None:
    """S3: fifty whole versions more, each entered as the latest once, the last of them is it."""
    store = Store(root / "home")
    answers = stampede(root, "distinct", 50, round_, without)
    tags = {answer["tag"] for answer in answers}
    assert len(tags) == 50
    listed = store.list()
    assert len(listed) == 50 * (round_ + 1)
    for one in listed:
        store.verify(one.tag)
    records = read_state(store.folder / "credit" / ".state.json").versions
    assert {record.order for record in records.values()} == set(range(1, len(listed) + 1))
    assert str(store.get("credit").tag) in tags
    assert debris(root) == []


def saved_conflicting(root: Path, round_: int, without: str = "") -> None:
    """S4: one of fifty contents is saved under the version, and 49 writers are told why not."""
    answers = stampede(root, "conflicting", 50, round_, without)
    assert sum("tag" in answer for answer in answers) == 1
    assert sum("exists with other content" in answer.get("exists", "") for answer in answers) == 49
    Store(root / "home").verify(f"credit:v{round_}")
    assert debris(root) == []


def saved_same(root: Path, round_: int, without: str = "") -> None:
    """S4: fifty writers of one content get the same tag."""
    answers = stampede(root, "same", 50, round_, without)
    assert {answer.get("tag") for answer in answers} == {f"credit:v{round_}"}
    Store(root / "home").verify(f"credit:v{round_}")
    assert debris(root) == []


@pytest.mark.parametrize("rounds", ROUNDS)
def test_fifty_different_saves_at_once_are_fifty_whole_versions(root: Path, rounds: int) -> None:
    for round_ in range(rounds):
        saved_distinct(root, round_)


@pytest.mark.parametrize("rounds", ROUNDS)
def test_of_fifty_different_contents_under_one_version_exactly_one_is_saved(
    root: Path, rounds: int
) -> None:
    for round_ in range(rounds):
        saved_conflicting(root, round_)


@pytest.mark.parametrize("rounds", ROUNDS)
def test_fifty_saves_of_the_same_content_all_get_the_same_tag(root: Path, rounds: int) -> None:
    for round_ in range(rounds):
        saved_same(root, round_)


@pytest.mark.parametrize(
    ("save", "without"),
    [
        (saved_distinct, "locks"),
        (saved_conflicting, "looking"),
        (saved_same, "sameness"),
    ],
)
def test_the_detector_sees_what_a_store_loses_that_lacks_its_locks_or_does_not_look(
    root: Path, save: Callable[[Path, int, str], None], without: str
) -> None:
    """The negative control of S3 and S4."""
    with pytest.raises(AssertionError):
        save(root, 0, without)


def test_the_detector_sees_what_a_writer_may_not_find(root: Path) -> None:
    """A version that changed, and an exception that nobody has documented."""
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
    report(request, f"{churned(root)} operations")


def churned(root: Path, without: str = "") -> int:
    """S5: nothing undocumented is raised, nobody's own is lost, and all is whole; operations."""
    answers = stampede(root, "churn", 20, 0, without)
    done = dict(answer["tag"].split() for answer in answers)
    assert set(done) == {f"own{number}" for number in range(20)}
    store = Store(root / "home")
    for one in store.list():
        assert isinstance(one, Entry)
        store.verify(one.tag)
    assert debris(root) == []
    return sum(map(int, done.values()))


def test_the_detector_sees_what_happens_to_a_store_without_locks(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control of S5."""
    monkeypatch.setenv("CHURN", "0.5")
    with pytest.raises(AssertionError, match="Traceback"):
        churned(root, "locks")
