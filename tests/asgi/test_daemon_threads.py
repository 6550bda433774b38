"""The threads of methods that are not `async`."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError

import pytest

from minibento.asgi.daemon_threads import DaemonThreads


@pytest.fixture
def two() -> Iterator[DaemonThreads]:
    threads = DaemonThreads(2, "test-two")
    yield threads
    threads.shutdown()


def test_what_the_function_returns_or_raises_is_the_futures(two: DaemonThreads) -> None:
    assert two.submit(divmod, 7, 2).result(10) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        two.submit(divmod, 7, 0).result(10)


def test_a_free_thread_is_used_before_a_new_one_is_made(two: DaemonThreads) -> None:
    names = {two.submit(lambda: threading.current_thread().name).result(10) for _ in range(20)}
    assert names == {"test-two_1"}


def test_no_more_than_so_many_run_at_once_and_the_others_wait(two: DaemonThreads) -> None:
    meet, go_on = threading.Barrier(3), threading.Event()

    def held() -> bool:
        meet.wait(10)
        return go_on.wait(10)

    first = [two.submit(held) for _ in range(2)]
    third = two.submit(threading.get_ident)
    meet.wait(10)
    assert not third.running()
    go_on.set()
    assert [one.result(10) for one in first] == [True, True]
    assert third.result(10) is not None


def test_a_cancelled_one_that_has_not_begun_never_runs(two: DaemonThreads) -> None:
    go_on = threading.Event()
    ran: list[int] = []
    held = [two.submit(go_on.wait, 10) for _ in range(2)]
    third = two.submit(ran.append, 1)
    assert third.cancel()
    go_on.set()
    assert all(one.result(10) for one in held)
    two.submit(len, ()).result(10)
    assert ran == []


def test_shut_down_it_drops_what_has_not_begun_and_takes_no_more(two: DaemonThreads) -> None:
    go_on = threading.Event()
    held = [two.submit(go_on.wait, 10) for _ in range(2)]
    dropped = two.submit(len, ())
    two.shutdown()
    with pytest.raises(CancelledError):
        dropped.result(10)
    with pytest.raises(RuntimeError, match="test-two have been shut down"):
        two.submit(len, ())
    go_on.set()
    assert all(one.result(10) for one in held)


def test_one_that_never_ends_does_not_keep_the_interpreter() -> None:
    script = (
        "import threading\n"
        "from minibento.asgi.daemon_threads import DaemonThreads\n"
        "begun = threading.Event()\n"
        "DaemonThreads(1, 'x').submit(lambda: (begun.set(), threading.Event().wait()))\n"
        "assert begun.wait(10)\n"
    )
    assert subprocess.run([sys.executable, "-c", script], timeout=30, check=False).returncode == 0
