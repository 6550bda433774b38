"""What is tried again, and when it is given up."""

import asyncio
from collections.abc import Iterator

import pytest

from minibento.processes.supervisor.failure import StartFailed
from minibento.processes.supervisor.trying import tried


def attempt(failures: Iterator[StartFailed], tries: int) -> tuple[str, int]:
    """How it ended, and after how many tries."""
    count = 0

    async def step() -> str:
        nonlocal count
        count += 1
        for failure in failures:
            raise failure
        return "done"

    try:
        ended = asyncio.run(tried(step, tries, lambda one: bool(one.traceback)))
    except StartFailed as failure:
        ended = str(failure)
    return ended, count


def test_what_fails_now_and_then_is_tried_again() -> None:
    assert attempt(iter([StartFailed("a"), StartFailed("b")]), 3) == ("done", 3)


def test_the_last_failure_is_the_one_that_is_told() -> None:
    assert attempt(iter([StartFailed("a"), StartFailed("b")]), 2) == ("b", 2)


@pytest.mark.parametrize(
    "hopeless", [StartFailed("a", final=True), StartFailed("a", "Traceback ...")]
)
def test_what_would_fail_again_is_given_up_at_once(hopeless: StartFailed) -> None:
    assert attempt(iter([hopeless]), 3) == ("a", 1)
