"""A version as an OCI manifest, out and back; knows no registry.

config   the version's manifest.json, byte for byte: what the version is
layers   its files, in the same order, titled by their paths, so that `oras pull` gives the folder
"""

import hashlib
import json
from typing import Any

from minibento.errors import Corrupt, RemoteError
from minibento.remotes.base import Blob
from minibento.store.arrival import kind_of
from minibento.store.manifest import MAX_MANIFEST, FileRecord, Manifest

__all__ = ["MAX_IMAGE", "MEDIA_TYPE", "check_layers", "config_of", "digest_of", "image_of"]

MEDIA_TYPE = "application/vnd.oci.image.manifest.v1+json"
MAX_IMAGE = 4 << 20  # what the specification asks registries to take
_ARTIFACTS = {
    "models": "application/vnd.minibento.model.v1",
    "bundles": "application/vnd.minibento.bundle.v1",
}
_CONFIG = "application/vnd.minibento.manifest.v1+json"
_FILE = "application/octet-stream"
_TITLE = "org.opencontainers.image.title"
_VERSION = "org.opencontainers.image.version"


def image_of(manifest: Manifest) -> tuple[bytes, Blob]:
    """The OCI manifest of a version, always the same bytes, and its config's digest and size.

    Raises:
        RemoteError: it has more files than a manifest that registries take can list.
    """
    config = manifest.to_bytes()
    blob = Blob(hashlib.sha256(config).hexdigest(), len(config))
    image = {
        "schemaVersion": 2,
        "mediaType": MEDIA_TYPE,
        "artifactType": _ARTIFACTS[kind_of(manifest)],
        "config": {"mediaType": _CONFIG, "digest": blob.digest, "size": blob.size},
        "layers": [_layer(record) for record in manifest.files],
        "annotations": {_TITLE: manifest.name, _VERSION: manifest.version},
    }
    data = json.dumps(image, separators=(",", ":"), ensure_ascii=False).encode()
    if len(data) > MAX_IMAGE:
        raise RemoteError(
            f"{manifest.tag} has {len(manifest.files)} files, whose list takes {len(data)} bytes: "
            f"registries take {MAX_IMAGE}; pack small files into one, or push to s3:// or file://"
        )
    return data, blob


def config_of(data: bytes) -> Blob:
    """Where the version's own manifest is, after the OCI manifest of somebody else's making.

    Raises:
        Corrupt: it is none of a version.
    """
    image = _parsed(data)
    try:
        config = image["config"]
        if config["mediaType"] != _CONFIG:
            raise Corrupt(f"is no version: its config is of the type {config['mediaType']!r:.100}")
        blob = _blob(config)
    except (LookupError, TypeError, ValueError) as error:
        raise Corrupt("is no OCI manifest of a version") from error
    if blob.size > MAX_MANIFEST:
        raise Corrupt(f"says that its config has {blob.size} bytes: at most {MAX_MANIFEST} may be")
    return blob


def check_layers(data: bytes, manifest: Manifest) -> None:
    """Other tools show and fetch the layers: they must be what the version's manifest lists.

    Raises:
        Corrupt: they are not.
    """
    image = _parsed(data)
    if image.get("artifactType") != _ARTIFACTS[kind_of(manifest)]:
        raise Corrupt(f"is of the type {image.get('artifactType')!r:.100}, its config of another")
    try:
        layers = [(layer["annotations"][_TITLE], _blob(layer)) for layer in image["layers"]]
    except (LookupError, TypeError, ValueError) as error:
        raise Corrupt("has a layer without title, digest or size") from error
    if layers != [(record.path, Blob.of(record)) for record in manifest.files]:
        raise Corrupt("lists other files than its config")


def digest_of(data: bytes) -> str:
    """What a registry calls the manifest by."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _layer(record: FileRecord) -> dict[str, Any]:
    return {
        "mediaType": _FILE,
        "digest": Blob.of(record).digest,
        "size": record.size,
        "annotations": {_TITLE: record.path},
    }


def _parsed(data: bytes) -> dict[str, Any]:
    try:
        image = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Corrupt("is not JSON") from error
    if not isinstance(image, dict) or image.get("mediaType", MEDIA_TYPE) != MEDIA_TYPE:
        raise Corrupt("is no OCI image manifest")
    return image


def _blob(descriptor: dict[str, Any]) -> Blob:
    algorithm, _, sha256 = str(descriptor["digest"]).partition(":")
    size = descriptor["size"]
    lower = set(sha256) <= set("0123456789abcdef")
    if algorithm != "sha256" or len(sha256) != 64 or not lower or type(size) is not int or size < 0:
        raise ValueError
    return Blob(sha256, size)
