"""`minibento serve`: from TARGET and configuration to a server, which this process supervises."""

import asyncio
import os
import sys
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import click

from minibento import log
from minibento.cli.output import Format, output_option
from minibento.cli.target import place
from minibento.config import layers
from minibento.config.command_line import pairs
from minibento.config.settings import Config
from minibento.processes.descriptors import ask_for_more
from minibento.processes.place import Place
from minibento.processes.sockets import Port
from minibento.processes.standard_streams import open_missing

__all__ = ["serve"]


def _pairs(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    """Whether each is KEY=VALUE, before the value of `--set port 8080` is taken for TARGET."""
    pairs(given)
    return given


@click.command()
@click.argument("target", required=False)
@click.option("--host", help="Address to listen on, else 127.0.0.1; 0.0.0.0 for all.")
@click.option(
    "--port", type=click.IntRange(0, 65535), help="Port to listen on, else 3000; 0 for a free one."
)
@click.option("--api-workers", type=click.IntRange(1), help="Processes that take requests, else 1.")
@click.option(
    "--config",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File that says how it runs.",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    callback=_pairs,
    help="Any key of that file.",
)
@click.option("--name", help="What reload and status call it, else the service's name.")
@click.option("--access-log/--no-access-log", default=None, help="Log one line per request.")
@click.option("--show-config", is_flag=True, help="Print each value and where it comes from.")
@click.option("--reload", "watching", is_flag=True, help="Reload when a file is changed.")
@output_option
def serve(
    target: str | None,
    *,
    file: Path | None,
    settings: tuple[str, ...],
    show_config: bool,
    watching: bool,
    output: Format,
    **flags: Any,
) -> None:
    """Serve TARGET over HTTP until Ctrl-C.

    TARGET is a file or folder (service.py, service.py:CreditRisk, ., x.bundle), module:Name
    (service:CreditRisk) or the tag of a bundle (credit_risk:production); left out, what
    minibento.yaml names, else the one service in service.py.

    A value is taken from its flag, else from its variable (MINIBENTO_PORT), else from the --config
    file, else from the service's code.
    """
    open_missing()
    ask_for_more()
    at = place(target, Path.cwd())
    if at.bundle is not None:
        _prepare_bundle(at, watching=watching)
    resolved = layers.read({**flags, "set": settings}, os.environ, file)
    config = _named(resolved.config, at)
    if show_config:
        from minibento.cli.show_config import show

        show(at, resolved, output)
        return
    log.set_up(config.log.format, config.log.level, role="supervisor")
    port = Port(config.host, config.port, config.api_workers or 1)
    if not port.is_local:
        click.echo(
            f"warning: {config.host} is reachable from other machines and nothing here asks who "
            "calls: put it behind something that does",
            err=True,
        )
    if sys.platform == "linux":
        _supervise(config, port, target, watching=watching)
    else:
        _serve_alone(at, config, port)


def _prepare_bundle(at: Place, *, watching: bool) -> None:
    """Go on in the bundle's own environment, or tell how the present one differs."""
    from minibento.packager.serving import continue_in, different_libraries

    if watching:
        raise click.UsageError("--reload is for a project's folder: a bundle does not change")
    continue_in(at)
    different = different_libraries(at)
    if different:
        click.echo(
            f"warning: {at.bundle_tag} is locked to other libraries: {', '.join(different)}",
            err=True,
        )


def _named(config: Config, at: Place) -> Config:
    """A bundle's server is called as the bundle, unless it is given another name."""
    if at.bundle is None or config.name is not None:
        return config
    return replace(config, name=at.bundle.parent.name)


def _located(target: str | None, folder: Path) -> Place:
    """Where TARGET leads now; a bundle that cannot be served here is refused."""
    at = place(target, folder)
    if at.bundle is not None:
        from minibento.packager.serving import different_libraries

        different_libraries(at)
    return at


def _supervise(config: Config, port: Port, target: str | None, *, watching: bool) -> None:
    from minibento.processes.supervisor.failure import StartFailed
    from minibento.processes.supervisor.server import Server

    async def run() -> int:
        locate = partial(_located, target, Path.cwd())
        server = Server(locate, config, port, target or ".", watching=watching, on_ready=say_ready)
        return await server.run()

    def say_ready(name: str, versions: dict[str, str]) -> None:
        _say_ready(port, name, versions)

    try:
        sys.exit(asyncio.run(run()))
    except StartFailed as failure:
        # What fails while it is imported is one line, as anywhere on the command line.
        if not failure.final or click.get_current_context().find_root().params["debug"]:
            click.echo(failure.traceback, err=True, nl=False)
        raise


def _serve_alone(at: Place, config: Config, port: Port) -> None:
    from minibento.processes.single import serve_in_one_process

    click.echo(
        f"{sys.platform} has no child subreapers: one process serves, with its runners embedded",
        err=True,
    )
    sys.exit(serve_in_one_process(at, config, port, partial(_say_ready, port)))


def _say_ready(port: Port, name: str, versions: dict[str, str]) -> None:
    named = [f"{runner} is {version}" for runner, version in versions.items() if version]
    models = f"; {', '.join(named)}" if named else ""
    with suppress(OSError):  # where standard error leads there is no room
        click.echo(f"ready: {name} on {port.url}, documented on {port.url}/docs{models}", err=True)
