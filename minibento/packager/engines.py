"""docker, podman or buildah: whichever is there builds the image; knows no bundle."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from minibento.errors import BuildError

__all__ = ["ENGINES", "build_image", "engine"]

ENGINES = ("docker", "podman", "buildah")


def engine(wanted: str | None) -> str:
    """The engine to build with.

    Raises:
        BuildError: it, or any of them, is not installed.
    """
    for name in (wanted,) if wanted else ENGINES:
        if shutil.which(name):
            return name
    raise BuildError(
        f"{wanted or 'none of ' + ', '.join(ENGINES)} is installed: install one, or write the "
        "files with --write DIR and build them elsewhere"
    )


def build_image(
    name: str,
    file: Path,
    context: Path,
    image: str,
    *,
    platform: str | None,
    options: Sequence[str],
) -> None:
    """Build; what the engine prints goes to standard error.

    Args:
        name: Of the engine.
        file: The Containerfile.
        context: The folder that it copies from.
        image: What the image is called.
        platform: Such as `linux/amd64`; None: this machine's.
        options: Further ones of the engine's own.

    Raises:
        BuildError: it failed.
    """
    aim = ["--platform", platform] if platform else []
    if name != "docker":
        aim += ["--format", "docker"]  # images of the other format have no health check
    verb = "bud" if name == "buildah" else "build"
    command = [name, *_before(options), verb, "-f", str(file), "-t", image, *aim]
    done = subprocess.run(
        [*command, *_after(options), str(context)], stdin=subprocess.DEVNULL, stdout=2, check=False
    )
    if done.returncode:
        raise BuildError(
            f"{name} could not build {image} (exit code {done.returncode}): it says why above"
        )


def _before(options: Sequence[str]) -> Sequence[str]:
    """Those of the engine as a whole stand before its verb."""
    return [one for one in options if one.startswith("--storage-driver")]


def _after(options: Sequence[str]) -> Sequence[str]:
    return [one for one in options if not one.startswith("--storage-driver")]
