"""The Containerfile of a bundle, whose folder is the context; runs nothing.

Every word that comes from a bundle is checked again here, for a bundle may come from anybody, and
stands in the JSON form of an instruction, which no shell reads.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from minibento.bundles import layout
from minibento.bundles.bundle import Bundle
from minibento.errors import BuildError
from minibento.packager.build_file import is_debian_package, is_image
from minibento.store.manifest import MANIFEST
from minibento.wording import shown

__all__ = ["PORT", "containerfile"]

PORT = 3000
_HOME = "/minibento"
# A user that owns nothing, as distroless images have it.
_USER = "65532:65532"
_HEALTH = (
    "import urllib.request as r; "
    f"r.build_opener(r.ProxyHandler({{}})).open('http://127.0.0.1:{PORT}/livez', timeout=3)"
)
# The packages come as the shell's arguments: it reads no text of theirs.
_APT = (
    'apt-get update && apt-get install -y --no-install-recommends "$@" '
    "&& rm -rf /var/lib/apt/lists/*"
)


def containerfile(bundle: Bundle) -> str:
    """The text; the same bundle gives the same.

    Raises:
        BuildError: what the bundle says of its image is no image or package.
    """
    return "\n".join(_lines(bundle)) + "\n"


def _lines(bundle: Bundle) -> Iterator[str]:
    facts, tag = bundle.facts, bundle.tag
    base = _checked_base(facts.container.base)
    environment = f"{_HOME}/envs/{facts.environment}"
    python = f"{environment}/bin/python"
    folder = f"{_HOME}/bundles/{tag.name}/{tag.version}"
    offline = ("--no-index", "--find-links", layout.WHEELS) if facts.vendored else ()
    yield f"# {tag}, made by `minibento containerize`: the context is the bundle's folder."
    yield f"FROM {base} AS environment"
    yield "WORKDIR /bundle"
    yield _json("COPY", layout.ENVIRONMENT, "./")
    yield _json("COPY", f"{layout.WHEELS}/", f"{layout.WHEELS}/")
    yield _json("RUN", "python3", "-m", "venv", environment)
    yield _json(
        *("RUN", python, "-m", "pip", "install", "--no-cache-dir", "--no-deps"),
        *("--disable-pip-version-check", "--require-hashes", *offline, "-r", layout.ENVIRONMENT),
    )
    yield _json("RUN", "touch", f"{environment}/.complete")
    yield ""
    yield f"FROM {base}"
    packages = _checked_packages(facts.container.packages)
    if packages:
        yield _json("RUN", "/bin/sh", "-c", _APT, "sh", *packages)
    yield _json("COPY --from=environment", f"{_HOME}/envs/", f"{_HOME}/envs/")
    # What changes most often comes last, so that all before it is there already.
    if (bundle.path / layout.MODELS).is_dir():
        yield _json("COPY", f"{layout.MODELS}/", f"{folder}/{layout.MODELS}/")
    yield _json("COPY", f"{layout.CODE}/", f"{folder}/{layout.CODE}/")
    yield _json("COPY", MANIFEST, *_documents(bundle.path), f"{folder}/")
    yield f'LABEL org.opencontainers.image.title="{tag.name}"'
    yield f'LABEL org.opencontainers.image.version="{tag.version}"'
    yield f"ENV MINIBENTO_HOME={_HOME} MINIBENTO_RUN_DIR=/tmp/minibento"
    yield f"ENV MINIBENTO_HOST=0.0.0.0 MINIBENTO_PORT={PORT} PYTHONDONTWRITEBYTECODE=1"
    yield f"USER {_USER}"
    yield "WORKDIR /"
    yield f"EXPOSE {PORT}"
    yield "STOPSIGNAL SIGTERM"
    health = "HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD"
    yield _json(health, python, "-c", _HEALTH)
    yield _json("ENTRYPOINT", python, "-P", "-m", "minibento.cli", "serve", str(tag))


def _json(instruction: str, *words: str) -> str:
    return f"{instruction} {json.dumps(words)}"


def _documents(folder: Path) -> Sequence[str]:
    names = (layout.ENVIRONMENT, layout.OPENAPI, layout.README, layout.SBOM)
    return [name for name in names if (folder / name).is_file()]


def _checked_base(base: str) -> str:
    if not is_image(base):
        raise BuildError(f"the bundle's base image is {shown(base)}, which is no image's name")
    return base


def _checked_packages(packages: Sequence[str]) -> Sequence[str]:
    for package in packages:
        if not is_debian_package(package):
            raise BuildError(f"the bundle names the package {shown(package)}, which is none")
    return packages
