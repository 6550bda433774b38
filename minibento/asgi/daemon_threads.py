"""Threads for methods that are not `async`, and how long one would wait for them; no requests.

Those of `concurrent.futures.ThreadPoolExecutor` are joined when the interpreter ends, so that one
method that never returns would keep the whole server from ending.
"""

import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Any, ParamSpec, TypeVar

from minibento.asgi.duration import Duration
from minibento.batching.slip import Slip
from minibento.errors import Unavailable

__all__ = ["DaemonThreads"]

P = ParamSpec("P")
T = TypeVar("T")
_Job = tuple["Future[Any]", Callable[[], Any], float | None]


class DaemonThreads(Executor):
    """Up to `most` threads, made when they are needed, left behind when the process ends.

    Args:
        clock: Monotonic seconds.
    """

    def __init__(self, most: int, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        # Threads that could begin something now, less the jobs that have not begun.
        self._idle = most
        self._duration = Duration()
        # How much later than predicted jobs begin.
        self._slip = Slip()
        self._most = most
        self._name = name
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._lock = Lock()
        # Of the jobs, those that were cancelled: nobody waits for them.
        self._gone = 0
        self._made = 0
        self._closed = False

    @property
    def waiting(self) -> int:
        """Jobs that have not begun and are still wanted."""
        return max(0, -self._idle)

    @property
    def wait(self) -> float:
        """Seconds until one more job would begin; 0: a thread is free, or nothing is known."""
        ahead = self._ahead()
        return ahead + self._slip.seconds if ahead else 0.0

    def _ahead(self) -> float:
        """The same, as it were if predictions were right."""
        # One of the busy threads is free after a part of its job, and so on for those who wait.
        return 0.0 if self._idle > 0 else self._duration.mean * (self.waiting + 1) / self._most

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
        """Run `fn` in a thread, at once or when one is free.

        Raises:
            RuntimeError: it is shut down.
            Unavailable: there is no thread yet, and the system starts none.
        """
        future: Future[T] = Future()
        with self._lock:
            if self._closed:
                raise RuntimeError(f"the threads of {self._name} have been shut down")
            # Each job that has not begun or ended counts: a free thread is used before a new one.
            if self._most - self._idle >= self._made < self._most:
                self._start_one()
            # That one which finds a free thread begins at once is a prediction too: if there are
            # no others, that is how a stall is forgotten.
            known = self._idle > 0 or self._duration.mean
            expected = self._clock() + self._ahead() if known else None
            self._jobs.put((future, lambda: fn(*args, **kwargs), expected))
            self._idle -= 1
        future.add_done_callback(self._done)
        return future

    def _start_one(self) -> None:
        name = f"{self._name}_{self._made + 1}"
        try:
            Thread(target=self._work, name=name, daemon=True).start()
        except RuntimeError as error:  # memory or a limit of threads; the next job tries again
            if not self._made:
                raise Unavailable(f"{self._name}: {error}: call again in a moment") from error
        else:
            self._made += 1

    def shutdown(self, wait: bool = False, *, cancel_futures: bool = True) -> None:  # noqa: ARG002
        """End the idle threads and drop what has not begun; waits for nothing."""
        with self._lock:
            self._closed = True
            dropped = self._drained()
            for _ in range(self._made):
                self._jobs.put(None)
        for future, _, _ in dropped:
            future.cancel()

    def _drained(self) -> list[_Job]:
        """Remove all jobs that no thread has taken."""
        jobs = []
        with suppress(Empty):
            while (job := self._jobs.get_nowait()) is not None:
                jobs.append(job)
        return jobs

    def _done(self, future: "Future[Any]") -> None:
        """A job has ended, or was cancelled before it began: that one waits no more."""
        if not future.cancelled():
            return
        with self._lock:
            self._idle += 1
            self._gone += 1
            # While all threads hang, those who come and give up must not fill the memory.
            if not self._closed and self._gone * 2 > self._jobs.qsize():
                jobs = self._drained()
                wanted = [job for job in jobs if not job[0].cancelled()]
                self._gone -= len(jobs) - len(wanted)
                for job in wanted:
                    self._jobs.put(job)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            future, run, expected = job
            if future.set_running_or_notify_cancel():
                begun = self._begun(expected)
                try:
                    result = run()
                except BaseException as error:  # noqa: BLE001 - raised again by who waits
                    self._ended(begun)
                    future.set_exception(error)
                else:
                    self._ended(begun)
                    future.set_result(result)
            else:
                with self._lock:
                    self._gone -= 1
            # An idle thread must not keep the last call alive.
            del job, future, run
            result = None

    def _begun(self, expected: float | None) -> float:
        now = self._clock()
        if expected is not None:
            with self._lock:
                self._slip.observe(now - expected)
        return now

    def _ended(self, begun: float) -> None:
        now = self._clock()
        with self._lock:
            self._idle += 1
            self._duration.observe(now - begun)
