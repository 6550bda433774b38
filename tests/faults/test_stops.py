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


def stopped(server: Launched) -> float:
    """Seconds from SIGTERM to the end."""
    begun = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    # Before Python has set it up, a signal ends it in the system's own way.
    assert server.ends(GRACE + 1) in {0, -signal.SIGTERM}, server.output
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
