"""The command: finds the server, besieges it, prints the scoreboard; exit code 1 if it failed."""

import asyncio
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import click

from minibento.errors import MinibentoError
from minibento.testing.chaos.load import Load
from minibento.testing.chaos.request import example, prepared
from minibento.testing.chaos.schedule import Action, schedule
from minibento.testing.chaos.scoreboard import Scoreboard
from minibento.testing.chaos.shown import lines
from minibento.testing.chaos.siege import Siege, Strength
from minibento.testing.chaos.target import find

__all__ = ["Plan", "besieged", "main"]

_ROLES = {
    "runner-worker": ["runner-worker"],
    "api-worker": ["api-worker"],
    "runner-nursery": ["runner-nursery"],
    "api-nursery": ["api-nursery"],
    "nursery": ["runner-nursery", "api-nursery"],
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done.

    Attributes:
        seconds: How long.
        every: Seconds between two events.
        seed: Of their order and victims.
        kill: Roles to kill.
        stop: Roles to stop.
        rate: Requests per second all the time.
        flood: And beside, during a flood; 0: there is none.
        disconnect: Of callers that leave; 0: there are none.
        patience: Seconds that a caller waits.
        request: Path and body; None: the service's own example.
    """

    seconds: float = 60.0
    every: float = 5.0
    seed: int = 1
    kill: Sequence[str] = ()
    stop: Sequence[str] = ()
    rate: float = 50.0
    flood: float = 0.0
    disconnect: float = 0.0
    patience: float = 30.0
    request: tuple[str, bytes] | None = None

    def actions(self) -> list[Action]:
        """What it consists of; kills of all kinds if nothing was asked for."""
        found = [Action("kill", role) for role in self.kill]
        found += [Action("stop", role) for role in self.stop]
        if self.flood:
            found.append(Action("flood"))
        if self.disconnect:
            found.append(Action("disconnect"))
        return found or [Action("kill", role) for role in list(_ROLES)[:4]]


def besieged(url: str, plan: Plan, say: Callable[[str], None]) -> Scoreboard:
    """Do it.

    Raises:
        MinibentoError: the server is not one that may be broken, or does not answer as it is.
    """
    target = find(url, os.environ)
    path, body = plan.request or example(target.host, target.port)
    strength = Strength(plan.rate, plan.flood, plan.disconnect, plan.every / 2, plan.every / 2)

    async def siege() -> Scoreboard:
        load = Load(target.host, target.port)
        try:
            request = await prepared(load, path, body, plan.patience)
            events = schedule(plan.actions(), plan.seconds, plan.every, plan.seed)
            same = "the same answer each time" if request.expected else "answers that differ"
            many = f"{len(events)} event{'' if len(events) == 1 else 's'}"
            say(f"{many} in {plan.seconds:g} s; POST {path} has {same}")
            record = await Siege(target, load, lambda: request, strength, say).run(
                events, plan.seconds, plan.seed
            )
            return Scoreboard.of(record)
        finally:
            load.close()

    return asyncio.run(siege())


def _roles(_: click.Context, parameter: click.Parameter, value: str | None) -> list[str]:
    names = [one.strip() for one in (value or "").split(",") if one.strip()]
    for one in names:
        if one not in _ROLES:
            known = ", ".join(_ROLES)
            raise click.BadParameter(f"{one!r} is no role: they are {known}", param=parameter)
    return [role for one in names for role in _ROLES[one]]


_above_zero = click.FloatRange(min=0, min_open=True)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("url")
@click.option("--seconds", type=_above_zero, default=60.0, show_default=True, help="How long.")
@click.option(
    "--every", type=_above_zero, default=5.0, show_default=True, help="Seconds between two events."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Of order and victims.")
@click.option("--kill", callback=_roles, metavar="ROLES", help="Kill processes of these roles.")
@click.option("--stop", callback=_roles, metavar="ROLES", help="Stop processes (SIGSTOP).")
@click.option(
    "--rate", type=_above_zero, default=50.0, show_default=True, help="Requests per second."
)
@click.option("--flood", type=_above_zero, default=None, help="Beside, in floods, per second.")
@click.option(
    "--disconnect",
    type=_above_zero,
    default=None,
    help="Of callers that leave, in waves, per second.",
)
@click.option(
    "--patience", type=_above_zero, default=30.0, show_default=True, help="Of a caller, in seconds."
)
@click.option(
    "--request",
    nargs=2,
    metavar="PATH BODY",
    help="What is asked; else the example of the first method.",
)
@click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table")
def command(url: str, output: str, request: tuple[str, str] | None, **options: Any) -> None:
    """Break the server at URL on purpose, while it is asked, and print what came of it.

    It must be a server of yours on this machine, as `minibento status` shows it; one of its
    processes after the other is killed (or what you choose), and every request is counted. ROLES
    are runner-worker, api-worker, runner-nursery, api-nursery, nursery, separated by commas; all
    are killed in turn unless you choose. The exit code is 1 if a request was lost that must not
    be: when an API worker is ended, its own open connections break, and nothing else.
    """
    given = {name: value for name, value in options.items() if value is not None}
    asked = None if not request else (request[0], request[1].encode())
    try:
        board = besieged(url, Plan(request=asked, **given), lambda said: click.echo(said, err=True))
    except MinibentoError as error:
        raise click.ClickException(str(error)) from error
    if output == "json":
        click.echo(json.dumps(board.document(), indent=2))
    else:
        click.echo("\n".join(lines(board)))
    if board.faults:
        click.get_current_context().exit(1)


def main() -> None:
    """Run the command."""
    command(prog_name="python -m minibento.testing.chaos")
