"""`minibento completion`: the script by which a shell completes; knows no command."""

import click
from click.shell_completion import get_completion_class

__all__ = ["completion"]


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script of SHELL.

    \b
    bash:  minibento completion bash > ~/.local/share/bash-completion/completions/minibento
    zsh:   minibento completion zsh > ~/.zfunc/_minibento    (~/.zfunc on the fpath)
    fish:  minibento completion fish > ~/.config/fish/completions/minibento.fish
    """
    made = get_completion_class(shell)
    assert made is not None, f"click completes {shell}"
    click.echo(made(ctx.find_root().command, {}, "minibento", "_MINIBENTO_COMPLETE").source())
