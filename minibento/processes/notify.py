"""Tells systemd how the server is, as sd_notify(3) says; knows nothing of the server.

Nothing here raises: a server that cannot tell serves all the same.
"""

import os
import socket
import time
from collections.abc import MutableMapping

__all__ = ["Notify"]

# systemd reads at once; a reader that does not must not stop the supervisor for long.
_PATIENCE = 0.2


class Notify:
    """The way to the service manager; without `NOTIFY_SOCKET` it tells nobody.

    Attributes:
        watchdog_seconds: How often `watchdog` must be called, half of what the manager allows;
            None: not at all.
    """

    def __init__(self, environment: MutableMapping[str, str]) -> None:
        """Take the three variables out of the environment, for children must not speak for us."""
        self._address = _address(environment.pop("NOTIFY_SOCKET", ""))
        allowed = _number(environment.pop("WATCHDOG_USEC", ""))
        meant = environment.pop("WATCHDOG_PID", str(os.getpid()))
        told = self._address is not None and _number(meant) == os.getpid()
        self.watchdog_seconds = allowed / 2e6 if told and allowed else None

    def ready(self, status: str = "") -> None:
        """The server answers; also after `reloading`, however that ended."""
        self._tell("READY=1", *_status(status))

    def reloading(self, status: str = "") -> None:
        """A reload has begun; `ready` must follow."""
        now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._tell("RELOADING=1", f"MONOTONIC_USEC={now}", *_status(status))

    def stopping(self, status: str = "") -> None:
        """The server has begun to stop."""
        self._tell("STOPPING=1", *_status(status))

    def status(self, status: str) -> None:
        """One line for `systemctl status`."""
        self._tell(*_status(status))

    def main_pid(self, pid: int) -> None:
        """Another process than the one that was started is the service's main one."""
        self._tell(f"MAINPID={pid}")

    def watchdog(self) -> None:
        """The supervisor is alive."""
        self._tell("WATCHDOG=1")

    def _tell(self, *assignments: str) -> None:
        if self._address is None or not assignments:
            return
        message = "\n".join(assignments).encode("utf-8", "backslashreplace")
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as way:
                way.settimeout(_PATIENCE)
                way.sendto(message, self._address)
        except OSError:  # nobody there, no right, queue full: there is no one to tell it to
            pass


def _address(text: str) -> bytes | None:
    """The socket's address: a path, or an abstract name that is written with `@`."""
    if not text.startswith(("/", "@")) or len(text) < 2:
        return None
    name = os.fsencode(text)
    return b"\0" + name[1:] if text.startswith("@") else name


def _status(text: str) -> list[str]:
    # A line break would begin another assignment.
    return [f"STATUS={' '.join(text.split())}"] if text else []


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0
