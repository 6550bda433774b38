"""A stop at any moment of a start, of a load, of a reload: F15."""

import signal
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from minibento.errors import Unavailable
from minibento.processes.asking import ask
from tests.faults.model import service
from tests.processes.launching import Launched, launched

GRACE = 5.0
TIMES = 20


def stopped(server: Launched, grace: float = GRACE) -> float:
    """Seconds from SIGTERM to the end."""
    begun = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    # Before Python has set it up, a signal ends it in the system's own way.
    assert server.ends(grace + 1) in {0, -signal.SIGTERM}, server.output
    took = time.monotonic() - begun
    server.leaves_nothing()
    return took


@pytest.mark.slow
def test_a_stop_at_any_moment_of_a_start_ends_it(tmp_path: Path) -> None:
    service(tmp_path, loads=1.0)
    times = []
    for number in range(2 * TIMES):
        with launched(tmp_path, "--set", f"grace={GRACE}") as server:
            threading.Event().wait(number * 0.1)
            times.append(stopped(server))
    print(f"F15, start and load: n={len(times)}, longest {max(times):.3f} s")


@pytest.mark.slow
def test_a_stop_at_any_moment_of_a_reload_ends_both(tmp_path: Path) -> None:
    service(tmp_path, loads=0.5)

    def reload(directory: Path) -> None:
        with suppress(Unavailable):  # it ends meanwhile
            ask(directory, {"do": "reload"})

    times = []
    for number in range(TIMES):
        with launched(tmp_path, "--set", f"grace={GRACE}") as server:
            assert server.url
            reloading = threading.Thread(target=reload, args=(server.directory,))
            reloading.start()
            threading.Event().wait(number * 0.1)
            times.append(stopped(server))
            reloading.join(10)
    print(f"F15, reload: n={len(times)}, longest {max(times):.3f} s")


# What is started in the place of a server: one that does not hear, one that leaves something.
DEAF = "trap '' TERM; echo up; while :; do sleep 0.1; done"
LEAVING = "sleep 60 > /dev/null 2>&1 & trap 'exit 0' TERM; echo up; while :; do sleep 0.1; done"


@pytest.mark.parametrize(("script", "seen"), [(DEAF, "has not ended after"), (LEAVING, "sleep")])
def test_the_detector_sees_a_stop_that_is_not_heard_or_leaves_something(
    tmp_path: Path, script: str, seen: str
) -> None:
    """The negative control of F15."""
    with launched(tmp_path, before=["sh", "-c", script]) as server:
        server.prints("^up")
        with pytest.raises(AssertionError, match=seen):
            stopped(server, grace=0)
