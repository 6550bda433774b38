"""The threads of methods that are not `async`."""

import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future

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


class Held:
    """Jobs of two threads that end when told, in the order in which they came, by a clock."""

    def __init__(self) -> None:
        self.now = 100.0
        self.threads = DaemonThreads(2, "test-held", lambda: self.now)
        self.held: deque[tuple[Future[bool], threading.Event]] = deque()

    def begin(self) -> None:
        go_on = threading.Event()
        self.held.append((self.threads.submit(go_on.wait, 10), go_on))

    def end(self, seconds: float) -> None:
        """The oldest ends, so many seconds later."""
        self.now += seconds
        future, go_on = self.held.popleft()
        while not future.running():  # a thread may be about to take it
            threading.Event().wait(0.001)
        go_on.set()
        assert future.result(10)


def test_a_wait_is_predicted_from_how_long_jobs_take_and_how_many_wait() -> None:
    bench = Held()
    assert bench.threads.predicted == 0
    bench.begin()
    bench.begin()
    assert bench.threads.predicted == 0  # nothing is known
    bench.end(2.0)
    assert bench.threads.predicted == 0  # one is free
    bench.begin()
    assert bench.threads.predicted == pytest.approx(2.0 * (1 + 1 / 2))
    bench.begin()
    bench.begin()
    assert bench.threads.waiting == 2
    assert bench.threads.predicted == pytest.approx(2.0 * (1 + 3 / 2))
    while bench.held:
        bench.end(0.0)
    bench.threads.shutdown()


def test_what_ends_later_than_predicted_is_learnt_and_forgotten() -> None:
    bench = Held()
    for seconds in (1.0, 30.0):
        bench.begin()
        bench.end(seconds)
    bench.begin()
    bench.begin()
    slow = bench.threads.predicted
    assert slow > 10
    bench.end(1.0)
    bench.end(0.0)
    for _ in range(60):
        bench.begin()
        bench.end(1.0)
    bench.begin()
    bench.begin()
    assert bench.threads.predicted < 3
    while bench.held:
        bench.end(0.0)
    bench.threads.shutdown()


def test_one_that_never_ends_does_not_keep_the_interpreter() -> None:
    script = (
        "import threading\n"
        "from minibento.asgi.daemon_threads import DaemonThreads\n"
        "begun = threading.Event()\n"
        "DaemonThreads(1, 'x').submit(lambda: (begun.set(), threading.Event().wait()))\n"
        "assert begun.wait(10)\n"
    )
    assert subprocess.run([sys.executable, "-c", script], timeout=30, check=False).returncode == 0
