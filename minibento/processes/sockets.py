"""The TCP port of a server, had before anything is loaded and kept for life; knows no service."""

import errno
import ipaddress
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from minibento.errors import CannotListen

__all__ = ["Port", "refusal"]


# Somebody who only holds the name does not keep a server from its port.
_PATIENCE_SECONDS = 1.0


class Port:
    """A TCP port of this server: one socket for each worker that listens on it, none yet does.

    One socket shared by several workers may give all connections to one of them (four of nine
    tries), so each has its own and the kernel deals the connections out.

    Attributes:
        sockets: Bound; a worker inherits its own and listens.
        url: Where it is reached: `http://127.0.0.1:3000`.

    Raises:
        CannotListen: the port cannot be had; the message has the reason and the mend.
    """

    def __init__(self, host: str, port: int, count: int) -> None:
        with _alone(port):
            self._take(host, port, count)

    def _take(self, host: str, port: int, count: int) -> None:
        # Without SO_REUSEPORT it finds out whether another server has the port.
        with _bound(host, port) as probe:
            family, address = probe.family, probe.getsockname()
            self.url = _url(probe)
            self.is_local = _is_local(probe)
        self.sockets: list[socket.socket] = []
        try:
            for _ in range(count):
                self.sockets.append(_sharing(family, address, socket.SO_REUSEADDR))
            # To the probe of another server sockets that do not listen look free, unless one of
            # them was bound without SO_REUSEADDR.
            self._guard = _sharing(family, address)
        except OSError as error:
            for one in self.sockets:
                one.close()
            raise refusal(error, host, address[1]) from error

    def close(self) -> None:
        """Give the port back, as far as this process goes."""
        for one in (*self.sockets, self._guard):
            one.close()


@contextmanager
def _alone(port: int) -> Iterator[None]:
    """No other server takes a port of this number meanwhile: two probes at once both find it free.

    An abstract socket's name belongs to one process and goes with it, whatever happens.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as lock:
        until = time.monotonic() + _PATIENCE_SECONDS
        while sys.platform == "linux" and time.monotonic() < until:
            try:
                lock.bind(f"\0minibento is taking port {port}")
                break
            except OSError:
                time.sleep(0.005)
        yield


def _sharing(family: int, address: Any, *options: int) -> socket.socket:
    # With the protocol named, asyncio sets TCP_NODELAY on what it accepts.
    one = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        for option in (socket.SO_REUSEPORT, *options):
            one.setsockopt(socket.SOL_SOCKET, option, 1)
        one.bind(address)
    except OSError:
        one.close()
        raise
    return one


def _bound(host: str, port: int) -> socket.socket:
    """A TCP socket bound to host and port, not yet listening; port 0 takes a free one.

    Raises:
        CannotListen: it cannot be had; the message has the reason and the mend.
    """
    try:
        family, *_, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise refusal(error, host, port) from error
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
    except OSError as error:
        listening.close()
        raise refusal(error, host, port) from error
    return listening


def refusal(error: OSError | UnicodeError, host: str, port: int) -> CannotListen:
    """One line for what the system said."""
    if isinstance(error, socket.gaierror | UnicodeError):
        return CannotListen(
            f"host {host!r} is not known here: --host takes an address of this machine, "
            "127.0.0.1 for this machine only, 0.0.0.0 for all"
        )
    if error.errno == errno.EADDRINUSE:
        other = port + 1 if port < 65535 else port - 1
        return CannotListen(
            f"port {port} on {host} is in use: stop what uses it or take another, "
            f"--port {other}; --port 0 finds a free one"
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return CannotListen(
            f"port {port} is not allowed to this user: take one from 1024 up, --port 3000"
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return CannotListen(
            f"this machine has no address {host}: --host 127.0.0.1 for this machine only, "
            "0.0.0.0 for all its addresses"
        )
    return CannotListen(f"cannot listen on {host} port {port}: {error.strerror or error}")


def _url(listening: socket.socket) -> str:
    """Where it is reached: `http://127.0.0.1:3000`."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _is_local(listening: socket.socket) -> bool:
    """Whether only this machine reaches it."""
    return ipaddress.ip_address(listening.getsockname()[0].partition("%")[0]).is_loopback
