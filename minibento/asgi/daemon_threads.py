"""Threads for methods that are not `async`; knows no requests.

Those of `concurrent.futures.ThreadPoolExecutor` are joined when the interpreter ends, so that one
method that never returns would keep the whole server from ending.
"""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Any, ParamSpec, TypeVar

__all__ = ["DaemonThreads"]

P = ParamSpec("P")
T = TypeVar("T")
_Job = tuple["Future[Any]", Callable[[], Any]]


class DaemonThreads(Executor):
    """Up to `most` threads, made when they are needed, left behind when the process ends.

    Attributes:
        idle: Threads that could begin something now.
    """

    def __init__(self, most: int, name: str) -> None:
        self.idle = most
        self._most = most
        self._name = name
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._lock = Lock()
        self._made = 0
        self._closed = False

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
        """Run `fn` in a thread, at once or when one is free.

        Raises:
            RuntimeError: it is shut down.
        """
        future: Future[T] = Future()
        with self._lock:
            if self._closed:
                raise RuntimeError(f"the threads of {self._name} have been shut down")
            self._jobs.put((future, lambda: fn(*args, **kwargs)))
            self.idle -= 1
            # Each job that has not begun or ended counts: a free thread is used before a new one.
            if self._most - self.idle > self._made < self._most:
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
            future, run = job
            if future.set_running_or_notify_cancel():
                try:
                    result = run()
                except BaseException as error:  # noqa: BLE001 - raised again by who waits
                    self._free()
                    future.set_exception(error)
                else:
                    self._free()
                    future.set_result(result)
            else:
                self._free()
            # An idle thread must not keep the last call alive.
            del job, future, run
            result = None

    def _free(self) -> None:
        with self._lock:
            self.idle += 1
