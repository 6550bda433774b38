"""`minibento status`: the running servers of this user and their processes; changes none."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import click

from minibento.cli.output import Format, output_option, print_json, print_table
from minibento.cli.quantities import duration, size
from minibento.cli.running import chosen, name_argument
from minibento.errors import Unavailable
from minibento.log import escaped
from minibento.processes.asking import ask
from minibento.processes.rundir import Running, servers

__all__ = ["status"]

_COLUMNS = (
    "ROLE", "RUNNER", "MODEL", "PID", "STATE", "UP", "RESTARTS", "RECYCLED", "MEMORY", "WORK"
)  # fmt: skip

Document = dict[str, Any]


@click.command()
@name_argument(required=False)
@output_option
def status(name: str | None, output: Format) -> None:
    """Show the running servers, or the one called NAME, and their processes.

    RECYCLED is how often a worker was replaced that had reached max_requests or max_memory.
    MEMORY is what a process does not share with others; WORK is what it has been given and has not
    answered. NAME is that of the service or of `serve --name`; NAME.PID, if two have it.
    """
    found = servers(os.environ)
    if name is not None:
        document = _asked(chosen(name, found))
        _print([document], output, document)
        if "error" in document:
            click.get_current_context().exit(1)
        return
    documents = [_asked(one) for one in found]
    _print(documents, output, documents)
    if not documents and output == "table":
        click.echo("no server is running: `minibento serve` starts one", err=True)


def _asked(server: Running) -> Document:
    """What a server says of itself; of one that does not answer what is known, and `error`."""
    try:
        answer = ask(server.directory, {"do": "status"})
    except Unavailable as error:
        answer = {"error": str(error)}
    said = answer.get("server")
    if isinstance(said, dict):
        return said
    reason = str(answer.get("error", "it says nothing of itself"))
    return {"name": server.name, "pid": server.pid, "url": server.url, "error": reason}


def _print(documents: Sequence[Document], output: Format, whole: Any) -> None:
    if output == "json":
        print_json(whole)
        return
    for index, one in enumerate(documents):
        if index:
            click.echo()
        click.echo(escaped(_heading(one)))
        if rows := [_row(process) for process in one.get("processes", ())]:
            print_table(_COLUMNS, rows)


def _heading(server: Mapping[str, Any]) -> str:
    name = server.get("name") or "a server"
    if "error" in server:
        return f"{name}: {server['error']}"
    where = f" on {server['url']}" if server.get("url") else ""
    target = f": {server['target']}" if server.get("target") else ""
    state, generation = server.get("state", ""), server.get("generation", 1)
    return f"{name}{where}, {state}, generation {generation}{target}"


def _row(process: Mapping[str, Any]) -> list[str]:
    """One process; what does not apply to it is empty."""
    memory, slot = process.get("private_bytes"), process.get("slot")
    up, pid = process.get("uptime_seconds"), process.get("pid")
    return [
        process.get("role", "") + ("" if slot is None else f" {slot}"),
        process.get("runner") or "",
        process.get("version") or "",
        "" if pid is None else str(pid),
        process.get("state", ""),
        "" if up is None else duration(up),
        str(process.get("restarts", "")),
        _recycled(process),
        "" if memory is None else size(memory),
        "" if process.get("outstanding") is None else str(process["outstanding"]),
    ]


def _recycled(process: Mapping[str, Any]) -> str:
    """How often, and why the last time; nothing where it never was."""
    count = process.get("recycled")
    return f"{count}: {process.get('recycled_why')}" if count else ""
