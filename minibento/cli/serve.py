"""`minibento serve`: from TARGET, host and port to a server that runs; one process."""

import inspect
import logging
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from minibento import log
from minibento.cli.listening import bound, is_local, url
from minibento.cli.target import find
from minibento.cli.user_module import located
from minibento.errors import MinibentoError

if TYPE_CHECKING:
    from minibento.asgi.service import Service

__all__ = ["serve"]


@click.command()
@click.argument("target", required=False)
@click.option(
    "--host",
    default="127.0.0.1",
    envvar="MINIBENTO_HOST",
    show_default=True,
    show_envvar=True,
    help="Address to listen on; 0.0.0.0 for all of this machine.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=3000,
    envvar="MINIBENTO_PORT",
    show_default=True,
    show_envvar=True,
    help="Port to listen on; 0 for a free one.",
)
@click.option(
    "--access-log/--no-access-log", default=True, help="Log one line per request (the default)."
)
def serve(target: str | None, host: str, port: int, access_log: bool) -> None:
    """Serve TARGET over HTTP until Ctrl-C.

    TARGET is a file or folder (service.py, service.py:CreditRisk, .) or module:Name
    (service:CreditRisk); left out, what minibento.yaml names, else the one service in service.py.
    """
    with bound(host, port) as listening:
        if not is_local(listening):
            click.echo(
                f"warning: {host} is reachable from other machines and nothing here asks who "
                "calls: put it behind something that does",
                err=True,
            )
        service = find(target)
        service.access_log = access_log
        # What uvicorn has to say, such as a request that is not HTTP, belongs into the same log.
        logging.getLogger("uvicorn").handlers[:] = [log.set_up()]
        _serve(service, listening)


def _serve(service: "Service[Any]", listening: socket.socket) -> None:
    from minibento.cli.server import serve_until_stopped  # uvicorn: not for a wrong TARGET

    address = url(listening)
    try:
        serve_until_stopped(
            service, listening, lambda: click.echo(_ready_line(service, address), err=True)
        )
    except (MinibentoError, click.ClickException):
        raise
    except Exception as error:
        folder = Path(inspect.getfile(service.cls)).parent
        raise click.ClickException(
            f"{service.name} did not start: {located(error, folder)}"
        ) from error


def _ready_line(service: "Service[Any]", address: str) -> str:
    runners = service.declaration.runners
    versions = [f"{name} is {one.version}" for name, one in runners.items() if one.version]
    models = f"; {', '.join(versions)}" if versions else ""
    return f"ready: {service.name} on {address}, documented on {address}/docs{models}"
