"""`push | pull` of models and bundles: one version to or from another place, printed."""

from contextlib import closing, suppress

import click

from minibento.cli.kind import kind
from minibento.cli.output import Format, output_option, print_json
from minibento.cli.progress import progress
from minibento.cli.quantities import size
from minibento.cli.tags import tag_argument
from minibento.errors import MinibentoError, RemoteError
from minibento.remotes import transfer
from minibento.remotes.address import Address
from minibento.remotes.transfer import Moved
from minibento.tag import Tag

__all__ = ["pull", "push"]


@click.command()
@tag_argument()
@click.argument("url")
@output_option
def push(tag: str, url: str, output: Format) -> None:
    """Send one version to URL; only what is missing there is sent.

    \b
    oci://HOST[:PORT]/REPOSITORY[:NAME]  a registry of container images
    s3://BUCKET/FOLDER[:NAME]            a bucket
    file:///FOLDER[:NAME]                a folder, such as a share

    There it is called by its version, and by NAME as well. NAME moves when it stands for
    another version; a version never changes.
    """
    address = _address(tag, url)
    entry = kind().store().get(Tag.parse(tag))
    with closing(progress("sending")) as shown:
        moved = transfer.push(entry, address, shown)
    if output == "json":
        print_json(_as_json(moved))
    else:
        click.echo(f"pushed {moved.tag}: {size(moved.sent)} sent, {size(moved.skipped)} were there")
        click.echo(f"get it:  minibento {kind().name} pull {moved.url}")


@click.command()
@click.argument("url")
@click.option("--digest", metavar="D", help="Refuse it unless `push` gave this digest, sha256:...")
@click.option("--trust", is_flag=True, help="Accept a model that can run code when it is loaded.")
@click.option("--latest", is_flag=True, help="Let `latest` stand for it.")
@output_option
def pull(url: str, *, digest: str | None, trust: bool, latest: bool, output: Format) -> None:
    """Store the version that URL names, as `push` has sent it.

    Without :NAME it is the one that is called `latest` there. Models in formats that can run code
    when they are loaded need --trust: whoever can write to that place can do what you can do. A
    bundle is code anyway: serve only those of people you trust.
    """
    address = Address.parse(url)
    with closing(progress("receiving")) as shown:
        entry, moved = transfer.pull(
            kind().store(), address, shown, trust=trust, latest=latest, digest=digest
        )
    if output == "json":
        print_json(_as_json(moved))
    else:
        click.echo(
            f"stored {entry.tag}: {size(moved.sent)} received, {size(moved.skipped)} were here"
        )


def _address(tag: str, url: str) -> Address:
    """The URL, read; the two in the other order are told what was meant."""
    try:
        return Address.parse(url)
    except RemoteError:
        with suppress(MinibentoError):  # it is no URL either: then the first refusal says enough
            meant = f"{Tag.parse(url)} {Address.parse(tag)}"
            raise click.UsageError(
                f"TAG comes before URL: did you mean `minibento {kind().name} push {meant}`?"
            ) from None
        raise


def _as_json(moved: Moved) -> dict[str, object]:
    return {
        "tag": str(moved.tag),
        "url": moved.url,
        "digest": moved.digest,
        "sent": moved.sent,
        "skipped": moved.skipped,
    }
