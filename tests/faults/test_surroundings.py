"""What a server inherits from whoever starts it, at its oddest: signals, variables, a file mask."""

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import httpx2
import pytest

from tests.faults.model import service
from tests.processes.launching import Launched, launched

GOOD = {"nonce": 1, "kind": "good"}
# What comes behind it is started with every signal blocked.
BLOCKING = """
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, set(signal.Signals))
os.execvp(sys.argv[1], sys.argv[1:])
"""
# Or with those ignored that can be, as by `nohup` and by some that start daemons.
IGNORING = """
import os, signal, sys
for one in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD, signal.SIGPIPE):
    signal.signal(one, signal.SIG_IGN)
os.execvp(sys.argv[1], sys.argv[1:])
"""
MASKED = ["sh", "-c", 'umask 777 && exec "$@"', "sh"]
STRICT = {
    "PYTHONWARNINGS": "error",
    "PYTHONDEVMODE": "1",
    "PYTHONSAFEPATH": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
}
NOWHERE = {
    "HOME": "/nonexistent",
    "TMPDIR": "/nonexistent",
    "LANG": "xx_YY.UTF-9",
    "LC_ALL": "xx_YY",
    # Without assert statements.
    "PYTHONOPTIMIZE": "2",
}


def lives(server: Launched) -> None:
    """It answers, replaces a worker, reloads at SIGHUP and ends at SIGTERM."""
    with httpx2.Client(base_url=server.url, timeout=20) as http:
        assert http.post("/treat", json=GOOD).json() == [1, 2], server.output
        (worker,) = [pid for pid, name in server.left().items() if "runner-worker" in name]
        os.kill(worker, signal.SIGKILL)
        server.prints(r"runner-worker-model-0\[\d+\] ended: killed by SIGKILL")
        assert http.post("/treat", json=GOOD).json() == [1, 2], server.output
    server.process.send_signal(signal.SIGHUP)
    server.prints("generation 2 has taken over")
    server.process.send_signal(signal.SIGTERM)
    assert server.ends(20) == 0, server.output
    server.leaves_nothing()
    assert "Traceback" not in server.output


@pytest.mark.parametrize(
    ("before", "variables"),
    [
        pytest.param([sys.executable, "-c", BLOCKING], {}, id="signals blocked"),
        pytest.param([sys.executable, "-c", IGNORING], {}, id="signals ignored"),
        pytest.param(
            MASKED,
            STRICT,
            id="no rights for new files, warnings are errors",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            [],
            NOWHERE,
            id="no home, no folder for temporary files, no assertions",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_it_serves_and_ends_whatever_it_inherits(
    tmp_path: Path, before: Sequence[str], variables: dict[str, str]
) -> None:
    service(tmp_path, workers=1)
    with launched(tmp_path, before=before, **variables) as server:
        lives(server)
