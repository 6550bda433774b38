"""Placement changes no answer and no error: every row of what crosses, in both."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import placements_service as cases
from tests.processes.serving import Running, running


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with running(
        Path(cases.__file__).parent,
        "placements_service.py:Placements",
        MINIBENTO_RUNNERS__HERE__PLACEMENT="embedded",
    ) as found:
        yield found


@pytest.mark.parametrize("name", cases.CALLS)
def test_a_call_has_the_same_outcome_in_both(server: Running, name: str) -> None:
    here, there = server.post("/call", name)
    assert here == there


@pytest.mark.parametrize("errors", [False, True])
@pytest.mark.parametrize("name", cases.BATCHES)
def test_a_batch_has_the_same_outcome_in_both(server: Running, name: str, errors: bool) -> None:
    here, there = server.post("/batch", {"name": name, "errors": errors})
    assert here == there


@pytest.mark.parametrize("count", cases.STREAMS)
def test_a_stream_has_the_same_parts_in_both(server: Running, count: int) -> None:
    here, there = server.post("/stream", count)
    assert here == there


def test_one_of_the_two_is_a_process_and_the_outcomes_tell_apart(server: Running) -> None:
    assert [one["runner"] for one in server.processes("runner-worker")] == ["there"]
    assert server.processes("runner-worker")[0]["restarts"] == 0
    told = {server.post("/call", f"echo {name}")[0] for name in ("int", "float", "frame", "set")}
    assert len(told) == 4
