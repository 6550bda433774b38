"""Which server may be broken: one of this user on this machine that `minibento status` lists.

Nothing else is ever touched: an address must be this machine's own, the port that of a server that
was found through its run directory, and a process a child of that server's supervisor.
"""

import ipaddress
import os
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from minibento.errors import UsageError
from minibento.processes.asking import ask
from minibento.processes.proc_stat import PARENT, stat_fields
from minibento.processes.rundir import Running, servers

__all__ = ["Process", "Target", "find"]


@dataclass(frozen=True, slots=True)
class Process:
    """One process of a server.

    Attributes:
        pid: Its id.
        role: As in `minibento status`: `runner-worker`.
        name: Role, runner and slot in one.
        state: As in `minibento status`.
        private_bytes: Memory that it shares with no other; None: unknown.
        descriptors: Files and sockets that it has open; None: unknown.
    """

    pid: int
    role: str
    name: str
    state: str
    private_bytes: int | None
    descriptors: int | None

    @property
    def is_whole(self) -> bool:
        """Whether it works."""
        return self.state in {"ready", "computing"}


@dataclass(frozen=True, slots=True)
class Target:
    """A server that was found.

    Attributes:
        server: As `minibento status` knows it.
        host: Address at which it is asked.
        port: Its port.
    """

    server: Running
    host: str
    port: int

    @property
    def exists(self) -> bool:
        """Whether its supervisor is there."""
        return Path(f"/proc/{self.server.pid}").exists()

    def processes(self) -> list[Process]:
        """Its processes, without those that are on their way out. Raises Unavailable."""
        told = ask(self.server.directory, {"do": "status"})["server"]["processes"]
        return [_process(one) for one in told if one["state"] != "retiring"]

    def signal(self, process: Process, number: signal.Signals) -> bool:
        """Send a signal; False: the process has ended meanwhile."""
        try:
            # From here on the number cannot come to mean another process.
            descriptor = os.pidfd_open(process.pid)
        except OSError:
            return False
        try:
            if _parent(process.pid) != self.server.pid:
                return False
            signal.pidfd_send_signal(descriptor, number)
        except OSError:
            return False
        finally:
            os.close(descriptor)
        return True


def find(url: str, environment: Mapping[str, str]) -> Target:
    """The running server that answers at `url`.

    Raises:
        UsageError: that is no address of this machine, or no server of this user.
    """
    if sys.platform != "linux":
        raise UsageError(f"chaos needs a server of processes, which runs on Linux, not {os.name}")
    parts = urlsplit(url)
    host, port = parts.hostname, _port(parts)
    if parts.scheme != "http" or host is None or port is None:
        raise UsageError(f"{url!r} is no address of a server: it looks like http://127.0.0.1:3000")
    addresses = _addresses(host, port)
    for address in addresses:
        if not _is_own(address):
            raise UsageError(
                f"{host} is {address}, which is not this machine: chaos breaks only a server of "
                "your own on this machine"
            )
    found = servers(environment)
    for one in found:
        if _answers_at(one, addresses, port):
            return Target(one, addresses[0], port)
    known = ", ".join(one.url for one in found if one.url) or "none"
    raise UsageError(
        f"no server of this user answers at {url}, as `minibento status` shows; there is: {known}"
    )


def _port(parts: SplitResult) -> int | None:
    with suppress(ValueError):
        return parts.port or 80
    return None


def _addresses(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise UsageError(f"host {host!r} is not known here: {error}") from error
    return [str(address[0]) for *_, address in found]


def _is_own(address: str) -> bool:
    """Whether it is one of this machine's, by the kernel's routes; nothing is sent."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if parsed.is_loopback or parsed.is_unspecified:
        return True
    family = socket.AF_INET6 if parsed.version == 6 else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((address, 9))
            # To reach itself a machine takes the very address as that of the sender.
            return ipaddress.ip_address(probe.getsockname()[0].partition("%")[0]) == parsed
        except OSError:
            return False


def _answers_at(server: Running, addresses: list[str], port: int) -> bool:
    parts = urlsplit(server.url)
    if not parts.hostname or _port(parts) != port:
        return False
    own = ipaddress.ip_address(parts.hostname)
    return own.is_unspecified or str(own) in addresses


def _process(told: Mapping[str, Any]) -> Process:
    slot = told["slot"]
    parts = [told["role"], told["runner"], None if slot is None else str(slot)]
    return Process(
        told["pid"],
        told["role"],
        " ".join(part for part in parts if part),
        told["state"],
        told["private_bytes"],
        _descriptors(told["pid"]),
    )


def _descriptors(pid: int) -> int | None:
    try:
        return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return None


def _parent(pid: int) -> int | None:
    with suppress(OSError, ValueError):
        return int(stat_fields(Path(f"/proc/{pid}"))[PARENT])
    return None
