"""The small file beside a name's versions."""

import errno
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from minibento.errors import Corrupt
from minibento.store import state as module
from minibento.store.state import Record, State, read_state, write_state

WHEN = datetime(2026, 1, 2, 3, 4, 5, 6, UTC)


def test_it_reads_back_what_it_wrote(tmp_path: Path) -> None:
    state = State(
        {"v1": Record(1, WHEN), "v2": Record(0, WHEN, "a.zip", trusted=True)}, {"x": ["v1", "v2"]}
    )
    write_state(tmp_path / "state", state)
    assert read_state(tmp_path / "state") == state
    assert [path.name for path in tmp_path.iterdir()] == ["state"]


@pytest.mark.parametrize("before", [None, State({}, {"x": ["v1"]})])
def test_a_change_that_the_disk_does_not_enter_is_undone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: State | None
) -> None:
    if before is not None:
        write_state(tmp_path / "state", before)

    def refuse(path: Path) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(module, "sync_directory", refuse)
    with pytest.raises(OSError, match="Input/output error"):
        write_state(tmp_path / "state", State({}, {"x": ["v1", "v2"]}))
    assert read_state(tmp_path / "state") == (before or State())


def test_a_missing_file_is_an_empty_state(tmp_path: Path) -> None:
    assert read_state(tmp_path / "state") == State()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b'{"format": 2, "versions": {}, "aliases": {}}',
        b'{"format": 1, "versions": {}, "aliases": {"x": []}}',
        b'{"format": 1, "versions": {}, "aliases": {"../x": ["v1"]}}',
        b'{"format": 1, "versions": {"v1": {"order": "1"}}, "aliases": {}}',
        b"[" * 100_000,
    ],
    ids=lambda data: repr(data[:50]),
)
def test_a_file_that_makes_no_sense_names_itself_and_the_mend(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "state").write_bytes(data)
    with pytest.raises(Corrupt, match=f"{tmp_path}/state.*exact versions still work: remove"):
        read_state(tmp_path / "state")


def test_forgetting_a_version_drops_its_aliases_and_its_place_in_others_past() -> None:
    state = State({"v1": Record(1, WHEN)}, {"a": ["v2", "v1"], "b": ["v3", "v1", "v3", "v4"]})
    state.forget("v1")
    assert state == State({}, {"b": ["v3", "v4"]})
