"""What must hold of a server whatever was done to it: it lives, and leaves nothing behind."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.processes.launching import until
from tests.processes.serving import Running, running

__all__ = ["descriptors", "holds", "under_fire", "zombies"]

QUIET = {"MINIBENTO_API_WORKERS": "2", "MINIBENTO_ACCESS_LOG": "false"}
# As a process that takes another one's place may have opened what that one had not needed yet.
_GROWTH = 2
_SECONDS = 10.0


def descriptors(server: Running) -> dict[str, int]:
    """How many each process has open, by its place."""
    return {
        f"{one['role']} {one['runner']} {one['slot']}": _open(one["pid"])
        for one in server.status()["processes"]
        if one["state"] != "retiring"
    }


def _open(pid: int) -> int:
    try:
        return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:  # it has left meanwhile: nothing can be said, look again
        return sys.maxsize


def zombies(server: Running) -> list[int]:
    """Children of the supervisor that have ended and that it has not buried."""
    found = []
    for one in Path("/proc").iterdir():
        if one.name.isdigit():
            try:
                state, parent = (one / "stat").read_text().rpartition(") ")[2].split()[:2]
            except OSError:  # ended and buried meanwhile
                continue
            if state == "Z" and int(parent) == server.server.pid:
                found.append(int(one.name))
    return found


def holds(server: Running, before: dict[str, int]) -> None:
    """It answers, is ready, has buried its dead, and closes what it has more open than before."""
    assert server.http.get("/livez").status_code == 200
    server.until(lambda status: status["state"] == "ready")
    until(lambda: not zombies(server), _SECONDS, lambda: f"zombies: {zombies(server)}")

    def grown() -> dict[str, tuple[int, int]]:
        after = descriptors(server)
        return {
            name: (before[name], after.get(name, 0))
            for name in before
            if after.get(name, 0) > before[name] + _GROWTH
        }

    until(lambda: not grown(), _SECONDS, lambda: json.dumps(grown()))


@contextmanager
def under_fire(folder: Path, **environment: str) -> Iterator[Running]:
    """A server in `folder` that something is done to; afterwards it must be as well as before."""
    with running(folder, **{**QUIET, **environment}) as server:
        server.http.get("/livez")
        before = descriptors(server)
        yield server
        holds(server, before)
