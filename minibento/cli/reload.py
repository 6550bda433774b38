"""`minibento reload`: one running server takes up what is new; knows no process."""

import os
from collections.abc import Iterator, Mapping
from typing import Any

import click

from minibento.cli.output import Format, output_option, print_json
from minibento.cli.running import called, chosen, name_argument
from minibento.log import escaped
from minibento.processes.asking import ask
from minibento.processes.rundir import servers

__all__ = ["reload"]


@click.command()
@name_argument(required=True)
@output_option
def reload(name: str, output: Format) -> None:
    """Let the server NAME take up new code and models, without losing a request.

    Tags are looked up again: an alias that has moved is a new model. New processes take over when
    they are ready and answer the stored examples; if they fail, the old ones go on, and the exit
    code is 1. NAME is that of the service or of `serve --name`; NAME.PID, if two have it.
    """
    server = chosen(name, servers(os.environ))
    answer = ask(
        server.directory,
        {"do": "reload"},
        lambda said: click.echo(escaped(said), err=True),
    )
    if not answer["ok"]:
        reason = "\n".join(map(escaped, str(answer.get("error", "no reason given")).splitlines()))
        raise click.ClickException(f"{name} is not reloaded and goes on as it was: {reason}")
    if output == "json":
        print_json({"server": called(server), **answer})
    else:
        click.echo(escaped("; ".join([f"reloaded {name}", *_changes(answer)])))


def _changes(answer: Mapping[str, Any]) -> Iterator[str]:
    """What each runner answers with from now on."""
    was = answer.get("was", {})
    for runner, version in answer.get("versions", {}).items():
        if version:
            before = was.get(runner)
            yield f"{runner} is {version}" + (
                " as before" if before == version else f", was {before}" if before else ""
            )
