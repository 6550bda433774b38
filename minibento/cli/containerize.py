"""`minibento containerize`: an image of a bundle, or the files to build one from."""

import shutil
from pathlib import Path

import click

from minibento.bundles.bundle import Bundle
from minibento.cli.kind import BUNDLES
from minibento.cli.output import Format, output_option, print_json
from minibento.cli.tags import tag_argument
from minibento.errors import BuildError
from minibento.packager.build_file import is_image
from minibento.packager.containerfile import PORT, containerfile
from minibento.packager.engines import ENGINES, build_image, engine
from minibento.store.staging import scratch
from minibento.tag import Tag

__all__ = ["containerize"]

_FILE = "Containerfile"


class _Containerize(click.Command):
    """The command that says where options of an engine go."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse them; one that is not known may be the engine's."""
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            written = f"minibento containerize TAG -- {error.option_name}"
            raise click.UsageError(
                f"{error.format_message()} Those of docker, podman or buildah come after --, "
                f"as in `{written}`.",
                ctx,
            ) from error


@click.command(cls=_Containerize, context_settings={"obj": BUNDLES})
@tag_argument()
@click.argument("options", nargs=-1)
@click.option("-t", "--image", help="What the image is called, else NAME:VERSION.")
@click.option("--platform", help="What it is for, as linux/amd64, else this machine.")
@click.option("--engine", "wanted", type=click.Choice(ENGINES), help="Else the first there is.")
@click.option(
    "--write", type=click.Path(path_type=Path), help="Only write the files, into this folder."
)
@output_option
def containerize(
    tag: str,
    options: tuple[str, ...],
    *,
    image: str | None,
    platform: str | None,
    wanted: str | None,
    write: Path | None,
    output: Format,
) -> None:
    """Build a container image of the bundle TAG with docker, podman or buildah.

    OPTIONS after `--` are passed on to the engine's build command.
    """
    store = BUNDLES.store()
    bundle = Bundle(store.verify(Tag.parse(tag)).path)
    text = containerfile(bundle)
    name = image or str(bundle.tag)
    if not is_image(name):
        raise BuildError(f"{name!r} is no image's name: give it one like registry/team/name:1")
    if write is not None:
        _write(bundle, text, write)
    else:
        used = engine(wanted)
        with scratch() as folder:
            file = folder / _FILE
            file.write_text(text)
            build_image(used, file, bundle.path, name, platform=platform, options=options)
    run = f"run --rm --read-only --tmpfs /tmp -p {PORT}:{PORT} {name}"
    if output == "json":
        print_json({"tag": str(bundle.tag), "image": name, "written": write and str(write)})
    elif write is not None:
        click.echo(f"wrote {write / _FILE}: docker build -t {name} {write}")
    else:
        click.echo(f"built {name}")
        click.echo(f"run it: {'podman' if used == 'buildah' else used} {run}")


def _write(bundle: Bundle, text: str, folder: Path) -> None:
    if folder.exists():
        raise BuildError(f"{folder} exists: name a folder that is to be made")
    shutil.copytree(bundle.path, folder)
    (folder / _FILE).write_text(text)
