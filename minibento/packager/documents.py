"""The documents in a bundle that are for people and for scanners: README and SBOM; writes none."""

import hashlib
import json
import uuid
from collections.abc import Mapping
from typing import Any

from minibento.bundles.facts import Facts
from minibento.tag import Tag

__all__ = ["canonical_json", "readme", "sbom"]


def canonical_json(document: Mapping[str, Any]) -> bytes:
    """The one way a document is written into a bundle."""
    text = json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return (text + "\n").encode()


def readme(name: str, facts: Facts, openapi: Mapping[str, Any], summary: str) -> str:
    """What is in the bundle and how to run it, in Markdown."""
    lines = [f"# {name}", ""]
    if summary:
        lines += [summary, ""]
    lines += ["## Methods", ""]
    for path, operations in openapi["paths"].items():
        said = operations["post"].get("summary", "")
        lines.append(f"- `POST {path}`{f': {said}' if said else ''}")
    lines += ["", "## Models", ""]
    lines += [f"- `{exact}`" for exact in sorted(set(facts.models.values()))] or ["none"]
    lines += [
        "",
        "## To run it",
        "",
        f"It is made for Python {facts.python} on {facts.platform}.",
        "",
        "```console",
        f"$ minibento serve {name}:latest        # where minibento is installed",
        "$ python3 THIS.bundle install --home /srv/minibento     # where only Python is",
        "```",
    ]
    return "\n".join(lines) + "\n"


def sbom(name: str, facts: Facts, pins: Mapping[str, str]) -> dict[str, Any]:
    """What the bundle consists of, as CycloneDX 1.6 (https://cyclonedx.org/docs/1.6/json/).

    The serial number is made of the content, and there is no time, so that the same content has
    the same document.

    Args:
        name: Of the bundle.
        facts: Of the bundle.
        pins: The version of each locked library.
    """
    libraries = {**pins, "minibento": facts.minibento}
    components = [_library(one, version) for one, version in sorted(libraries.items())]
    components += [_model(Tag.parse(exact)) for exact in sorted(set(facts.models.values()))]
    document: dict[str, Any] = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": name, "bom-ref": name}},
        "components": components,
    }
    digest = hashlib.sha256(canonical_json(document)).digest()
    return {**document, "serialNumber": f"urn:uuid:{uuid.UUID(bytes=digest[:16], version=4)}"}


def _library(name: str, version: str) -> dict[str, Any]:
    purl = f"pkg:pypi/{name}@{version}"
    return {"type": "library", "name": name, "version": version, "purl": purl, "bom-ref": purl}


def _model(tag: Tag) -> dict[str, Any]:
    return {
        "type": "machine-learning-model",
        "name": tag.name,
        "version": tag.version,
        "bom-ref": f"model:{tag}",
    }
