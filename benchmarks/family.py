"""The processes of a server that `minibento serve` runs, and what is asked of that; no load."""

from pathlib import Path
from typing import Any

from benchmarks.failures import MeasurementFailed
from benchmarks.kernel import cpu_seconds
from benchmarks.server import Server
from minibento.errors import Unavailable
from minibento.processes.asking import ask

__all__ = ["asked", "pids", "role_seconds", "status"]

ROLES = ("api-worker", "runner-worker")


def asked(server: Server, request: dict[str, Any]) -> dict[str, Any]:
    """What the server answers on its control socket. Raises MeasurementFailed."""
    directory = Path(server.contestant.environment["MINIBENTO_RUN_DIR"]) / str(server.pid)
    try:
        return ask(directory, request)
    except Unavailable as error:
        raise MeasurementFailed(str(error)) from error


def status(server: Server) -> list[dict[str, Any]]:
    """Its processes, as `minibento status` lists them."""
    found: list[dict[str, Any]] = asked(server, {"do": "status"})["server"]["processes"]
    return found


def pids(server: Server, role: str) -> list[int]:
    """The process ids of one role."""
    return [one["pid"] for one in status(server) if one["role"] == role and one["pid"]]


def role_seconds(server: Server) -> dict[str, float]:
    """Processor time until now of the API workers together, and of the runner workers."""
    return {role: sum(map(cpu_seconds, pids(server, role))) for role in ROLES}
