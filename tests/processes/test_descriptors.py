"""What the log is told of descriptors that have run out; each in a process of its own."""

import subprocess
import sys

SHORT = """
import logging, os, resource
logging.basicConfig(format="%(levelname)s %(message)s")
from minibento.processes.descriptors import Shortage
shortage = Shortage()
shortage.look()
free = os.open(os.devnull, os.O_RDONLY)
os.close(free)
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
shortage.look()
shortage.look()
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
shortage.look()
shortage.look()
"""
ANOTHER_ERROR = """
import logging, os
logging.basicConfig()
from minibento.processes.descriptors import Shortage
os.devnull = "/dev/there-is-none"
Shortage().look()
"""


def logged(script: str) -> list[str]:
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return done.stderr.splitlines()


def test_a_shortage_and_its_end_are_told_once_each() -> None:
    begins, ends = logged(SHORT)
    assert begins.startswith("ERROR no descriptor is free")
    assert "ulimit -n" in begins
    assert ends.startswith("WARNING descriptors are free again")


def test_where_the_look_itself_fails_nothing_is_said_to_have_run_out() -> None:
    """As in a service that has changed its root."""
    assert logged(ANOTHER_ERROR) == []
