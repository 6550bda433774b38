"""A server that is the first process of a container: process 1, to which all orphans come."""

import os
import signal
from pathlib import Path

import httpx2
import pytest

from tests.processes.launching import launched, until

SERVICE = """
import os
import subprocess
import sys

import minibento

# Leaves a grandchild that lives for a moment and is nobody's child then.
ORPHAN = "import os, time\\nif os.fork() == 0:\\n    time.sleep(0.2)\\n    os._exit(3)"


@minibento.service
class Forking:
    @minibento.api
    def orphans(self, count: int) -> int:
        for _ in range(count):
            subprocess.run([sys.executable, "-c", ORPHAN], check=True)
        return count
"""


def children(pid: int, *, deep: bool = True) -> dict[int, str]:
    """All below `pid`, or its own only, with the state in which each is."""
    states, parents = {}, {}
    for one in Path("/proc").iterdir():
        if one.name.isdigit():
            try:
                fields = (one / "stat").read_text().rpartition(") ")[2].split()
            except OSError:
                continue
            states[int(one.name)], parents[int(one.name)] = fields[0], int(fields[1])
    found: dict[int, str] = {}
    before = -1
    while len(found) != before:
        before = len(found)
        for child, parent in parents.items():
            if parent == pid or (deep and parent in found):
                found[child] = states[child]
    return found


@pytest.mark.system
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, as a container's runtime does")
def test_as_process_1_it_buries_orphans_and_obeys_signals(tmp_path: Path) -> None:
    (tmp_path / "service.py").write_text(SERVICE)
    before = ["unshare", "--pid", "--fork", "--mount-proc"]
    with launched(tmp_path, before=before) as server:
        url = server.url
        (first,) = children(server.process.pid, deep=False)
        namespaced = Path(f"/proc/{first}/status").read_text()
        assert "NSpid:\t" + f"{first}\t1\n" in namespaced
        assert httpx2.post(f"{url}/orphans", json=5, timeout=20).json() == 5
        until(lambda: len(children(first)) == 2, 10, lambda: str(children(first)))
        assert "Z" not in children(first).values()
        os.kill(first, signal.SIGHUP)
        server.prints("generation 2 has taken over")
        assert httpx2.post(f"{url}/orphans", json=1, timeout=20).json() == 1
        os.kill(first, signal.SIGTERM)
        assert server.ends(10) == 0
        server.leaves_nothing()
