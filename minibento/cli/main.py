"""The root of the command line: which commands there are and how a failure looks; runs none."""

from collections.abc import Sequence
from typing import Any, NoReturn

import click

from minibento.cli.lazy import LazyGroup
from minibento.errors import MinibentoError
from minibento.importing import load

__all__ = ["main", "root"]

COMMANDS = {
    "init": ("minibento.cli.init:init", "Write a service of your own to begin with."),
    "build": ("minibento.cli.build:build_", "Make a bundle of a service."),
    "lock": ("minibento.cli.lock:lock_", "Write the exact libraries of a service."),
    "serve": ("minibento.cli.serve:serve", "Serve TARGET over HTTP."),
    "reload": ("minibento.cli.reload:reload", "Let a running server take up what is new."),
    "status": ("minibento.cli.status:status", "Show the running servers and their processes."),
    "models": ("minibento.cli.models:models", "List, look at, move and delete stored models."),
    "bundles": ("minibento.cli.bundles:bundles", "List, look at, move and delete bundles."),
    "containerize": ("minibento.cli.containerize:containerize", "Build an image of a bundle."),
    "completion": ("minibento.cli.completion:completion", "Print the completion of a shell."),
}


class Root(LazyGroup):
    """The group that turns what went wrong into one line on standard error and exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; with `--debug` errors keep their traceback."""
        if ctx.params["debug"]:
            return super().invoke(ctx)
        try:
            return super().invoke(ctx)
        except MinibentoError as error:
            raise _line(str(error)) from error
        except KeyboardInterrupt:
            ctx.exit(130)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except Exception as error:
            raise _line(
                f"{type(error).__name__}: {error} (not expected here: "
                "`minibento --debug ...` shows where it comes from)"
            ) from error


def _line(message: str) -> click.ClickException:
    """One line, whatever names it quotes: a file's name or a stored text must not drive the
    terminal.
    """
    from minibento.log import escaped  # `logging` only where something went wrong

    return click.ClickException(escaped(message))


def print_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    """Print the version and leave."""
    if wanted and not ctx.resilient_parsing:
        click.echo(f"minibento {load('minibento:__version__')}")
        ctx.exit()


@click.group(
    cls=Root,
    deferred=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option("--debug", is_flag=True, help="Show the traceback of what goes wrong.")
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=print_version,
    help="Print the version.",
)
def root(debug: bool) -> None:
    """Put a trained model in front of customers."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """The `minibento` command; leaves with its exit code.

    Args:
        arguments: What stands behind `minibento`; those of this process if None.
    """
    root.main(args=arguments, prog_name="minibento")
