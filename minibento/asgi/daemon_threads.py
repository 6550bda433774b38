"""Threads for methods that are not `async`, and how long one would wait for them; no requests.

Those of `concurrent.futures.ThreadPoolExecutor` are joined when the interpreter ends, so that one
method that never returns would keep the whole server from ending.
"""

import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Any, ParamSpec, TypeVar

from minibento.batching.slip import Slip

__all__ = ["DaemonThreads"]

P = ParamSpec("P")
T = TypeVar("T")
_Job = tuple["Future[Any]", Callable[[], Any], float]
# Weight of the newest job.
_NEWEST = 1 / 16


class DaemonThreads(Executor):
    """Up to `most` threads, made when they are needed, left behind when the process ends.

    Args:
        clock: Monotonic seconds.
    """

    def __init__(self, most: int, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        # Threads that could begin something now, less the jobs that have not begun.
        self._idle = most
        # Seconds of a job, fading, and how much later than predicted those end that had to wait.
        self._seconds = 0.0
        self._slip = Slip()
        self._most = most
        self._name = name
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._lock = Lock()
        self._made = 0
        self._closed = False

    @property
    def waiting(self) -> int:
        """Jobs that have not begun."""
        return max(0, -self._idle)

    @property
    def predicted(self) -> float:
        """Seconds until one more job would have ended; 0: a thread is free, or nothing is known."""
        if self._idle > 0 or not self._seconds:
            return 0.0
        # One of the busy threads is free after a part of its job, and so on for those who wait.
        return self._seconds * (1 + (self.waiting + 1) / self._most) + self._slip.seconds

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
        """Run `fn` in a thread, at once or when one is free.

        Raises:
            RuntimeError: it is shut down.
        """
        future: Future[T] = Future()
        with self._lock:
            if self._closed:
                raise RuntimeError(f"the threads of {self._name} have been shut down")
            expected = self._clock() + (self.predicted or self._seconds)
            self._jobs.put((future, lambda: fn(*args, **kwargs), expected))
            self._idle -= 1
            # Each job that has not begun or ended counts: a free thread is used before a new one.
            if self._most - self._idle > self._made < self._most:
                self._made += 1
                Thread(target=self._work, name=f"{self._name}_{self._made}", daemon=True).start()
        return future

    def shutdown(self, wait: bool = False, *, cancel_futures: bool = True) -> None:  # noqa: ARG002
        """End the idle threads and drop what has not begun; waits for nothing."""
        with self._lock:
            self._closed = True
            try:
                while (job := self._jobs.get_nowait()) is not None:
                    job[0].cancel()
            except Empty:
                pass
            for _ in range(self._made):
                self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            future, run, expected = job
            if future.set_running_or_notify_cancel():
                begun = self._clock()
                try:
                    result = run()
                except BaseException as error:  # noqa: BLE001 - raised again by who waits
                    self._ended(begun, expected)
                    future.set_exception(error)
                else:
                    self._ended(begun, expected)
                    future.set_result(result)
            else:
                with self._lock:
                    self._idle += 1
            # An idle thread must not keep the last call alive.
            del job, future, run
            result = None

    def _ended(self, begun: float, expected: float) -> None:
        now = self._clock()
        with self._lock:
            self._idle += 1
            if self._seconds:
                self._slip.observe(now - expected)
                self._seconds += _NEWEST * (now - begun - self._seconds)
            else:
                self._seconds = now - begun
