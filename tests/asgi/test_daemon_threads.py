"""The threads of methods that are not `async`."""

import gc
import itertools
import subprocess
import sys
import threading
import weakref
from collections import deque
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future

import pytest

from minibento.asgi.daemon_threads import DaemonThreads
from minibento.errors import Unavailable


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
    meet, go_on = threading.Barrier(3), threading.Event()

    def wait() -> bool:
        meet.wait(10)
        return go_on.wait(10)

    held = [two.submit(wait) for _ in range(2)]
    meet.wait(10)
    dropped = two.submit(len, ())
    two.shutdown()
    with pytest.raises(CancelledError):
        dropped.result(10)
    with pytest.raises(RuntimeError, match="test-two have been shut down"):
        two.submit(len, ())
    go_on.set()
    assert all(one.result(10) for one in held)


@pytest.fixture
def no_more_threads() -> Iterator[None]:
    """The system starts none: nobody has the memory for such a stack."""
    before = threading.stack_size(2**46)
    yield
    threading.stack_size(before)


def test_a_job_for_which_no_thread_can_be_started_is_refused_and_the_next_is_not(
    two: DaemonThreads, no_more_threads: None
) -> None:
    ran: list[int] = []
    for number in range(3):
        with pytest.raises(Unavailable, match="test-two: can't start new thread: call again"):
            two.submit(ran.append, number)
    threading.stack_size(0)
    two.submit(ran.append, 9).result(10)
    assert ran == [9]


def test_where_no_more_threads_can_be_started_those_there_are_do_it(
    two: DaemonThreads, request: pytest.FixtureRequest
) -> None:
    go_on = threading.Event()
    first = two.submit(go_on.wait, 10)
    request.getfixturevalue("no_more_threads")
    second = two.submit(threading.get_ident)
    go_on.set()
    assert first.result(10)
    assert second.result(10) != threading.get_ident()


class Held:
    """Jobs of some threads that end when told, in the order in which they came, by a clock."""

    def __init__(self, most: int = 2) -> None:
        self.now = 100.0
        self.threads = DaemonThreads(most, "test-held", lambda: self.now)
        self.most = most
        self.held: deque[tuple[Future[bool], threading.Event, threading.Event]] = deque()

    def begin(self, count: int = 1) -> None:
        for _ in range(count):
            begun, go_on = threading.Event(), threading.Event()
            self.held.append((self.threads.submit(self._job, begun, go_on), begun, go_on))
        self._settle()

    def end(self, seconds: float) -> None:
        """The oldest ends, so many seconds later."""
        self.now += seconds
        future, _, go_on = self.held.popleft()
        go_on.set()
        assert future.result(10)
        self._settle()

    def end_all(self) -> None:
        while self.held:
            self.end(0.0)
        self.threads.shutdown()

    def _job(self, begun: threading.Event, go_on: threading.Event) -> bool:
        begun.set()
        return go_on.wait(10)

    def _settle(self) -> None:
        """Wait until each job has begun that can: by the clock it takes no time."""
        for _, begun, _ in itertools.islice(self.held, self.most):
            assert begun.wait(10)


def test_a_wait_is_predicted_from_how_long_jobs_take_and_how_many_wait() -> None:
    bench = Held()
    assert bench.threads.wait == 0
    bench.begin(2)
    assert bench.threads.wait == 0  # nothing is known
    bench.end(2.0)
    assert bench.threads.wait == 0  # one is free
    bench.begin()
    assert bench.threads.wait == pytest.approx(2.0 / 2)
    bench.begin(2)
    assert bench.threads.waiting == 2
    assert bench.threads.wait == pytest.approx(2.0 * 3 / 2)
    bench.end_all()


def test_what_begins_later_than_predicted_is_learnt_and_forgotten() -> None:
    bench = Held()
    bench.begin()
    bench.end(1.0)
    bench.begin(3)  # the third is predicted to begin after half a second
    bench.end(30.0)
    assert bench.threads.waiting == 0
    slow = bench.threads.wait
    assert slow > 10
    bench.end(0.0)
    bench.end(0.0)
    for _ in range(60):
        bench.begin()
        bench.end(1.0)
    bench.begin(2)
    assert bench.threads.wait < 2
    bench.end_all()


def test_where_threads_are_free_in_lockstep_most_waits_are_not_longer_than_predicted() -> None:
    """The first who waits does so for a whole job, not for half of one."""
    bench = Held()
    bench.begin(2)
    for _ in range(100):
        bench.begin(2)
        bench.end(1.0)
        bench.end(0.0)
    assert bench.threads.wait >= 1.0
    bench.end_all()


def test_the_first_jobs_which_nothing_predicted_teach_no_error() -> None:
    bench = Held(8)
    bench.begin(12)
    bench.end(5.0)
    for _ in range(11):
        bench.end(0.0)
    bench.begin(8)
    assert bench.threads.wait < 5 / 8 + 0.1
    bench.end_all()


def test_those_who_give_up_while_all_threads_hang_are_neither_counted_nor_kept() -> None:
    class Value:
        pass

    bench = Held()
    bench.begin()
    bench.end(1.0)
    bench.begin(3)
    kept = []
    for _ in range(100):
        value = Value()
        kept.append(weakref.ref(value))
        assert bench.threads.submit(id, value).cancel()
        del value
    assert bench.threads.waiting == 1
    assert bench.threads.wait == pytest.approx(2 / 2)
    gc.collect()
    assert sum(one() is not None for one in kept) <= 2
    bench.end_all()


def test_one_that_never_ends_does_not_keep_the_interpreter() -> None:
    script = (
        "import threading\n"
        "from minibento.asgi.daemon_threads import DaemonThreads\n"
        "begun = threading.Event()\n"
        "DaemonThreads(1, 'x').submit(lambda: (begun.set(), threading.Event().wait()))\n"
        "assert begun.wait(10)\n"
    )
    assert subprocess.run([sys.executable, "-c", script], timeout=30, check=False).returncode == 0
