"""The kernel's line about a process."""

import os
from pathlib import Path

import pytest

from minibento.processes.proc_stat import PARENT, STATE, stat_fields


def test_state_and_parent_of_this_process_are_where_they_are_said_to_be() -> None:
    fields = stat_fields(Path("/proc/self"))
    assert (fields[STATE], int(fields[PARENT])) == ("R", os.getppid())


def test_a_name_may_look_like_the_fields_behind_it(tmp_path: Path) -> None:
    (tmp_path / "stat").write_text("7 (a) Z 1 (b) S 42 0\n")
    assert stat_fields(tmp_path)[:2] == ["S", "42"]


def test_a_process_that_has_ended_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        stat_fields(tmp_path)
