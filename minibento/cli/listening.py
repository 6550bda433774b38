"""The listening socket of a server: bound before anything is loaded; knows no service."""

import errno
import ipaddress
import socket

import click

__all__ = ["bound", "is_local", "refusal", "url"]


def bound(host: str, port: int) -> socket.socket:
    """A TCP socket bound to host and port, not yet listening; port 0 takes a free one.

    Raises:
        click.ClickException: it cannot be had; the message has the reason and the mend.
    """
    try:
        family, *_, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        # With the protocol named asyncio sets TCP_NODELAY on what it accepts.
        listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    except (OSError, UnicodeError) as error:
        raise refusal(error, host, port) from error
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
    except OSError as error:
        listening.close()
        raise refusal(error, host, port) from error
    return listening


def refusal(error: OSError | UnicodeError, host: str, port: int) -> click.ClickException:
    """One line for what the system said."""
    if isinstance(error, socket.gaierror | UnicodeError):
        return click.ClickException(
            f"host {host!r} is not known here: --host takes an address of this machine, "
            "127.0.0.1 for this machine only, 0.0.0.0 for all"
        )
    if error.errno == errno.EADDRINUSE:
        other = port + 1 if port < 65535 else port - 1
        return click.ClickException(
            f"port {port} on {host} is in use: stop what uses it or take another, "
            f"--port {other}; --port 0 finds a free one"
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return click.ClickException(
            f"port {port} is not allowed to this user: take one from 1024 up, --port 3000"
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return click.ClickException(
            f"this machine has no address {host}: --host 127.0.0.1 for this machine only, "
            "0.0.0.0 for all its addresses"
        )
    return click.ClickException(f"cannot listen on {host} port {port}: {error.strerror or error}")


def url(listening: socket.socket) -> str:
    """Where it is reached: `http://127.0.0.1:3000`."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def is_local(listening: socket.socket) -> bool:
    """Whether only this machine reaches it."""
    return ipaddress.ip_address(listening.getsockname()[0].partition("%")[0]).is_loopback
