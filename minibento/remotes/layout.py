"""How versions lie where there are only files: content by digest, names as small documents."""

import hashlib
import re

from minibento.errors import Corrupt
from minibento.remotes.base import Blob, Found
from minibento.store.manifest import Manifest

__all__ = ["TAGS", "blob_path", "found", "listed", "tag_path"]

TAGS = "tags"
_DOCUMENT = re.compile(r"([A-Za-z0-9_][A-Za-z0-9._-]{0,127})\.json\Z")


def blob_path(blob: Blob) -> str:
    """Where content lies, below the place."""
    return f"blobs/sha256/{blob.sha256[:2]}/{blob.sha256}"


def tag_path(name: str) -> str:
    """Where the document of a name lies: the version's manifest, as it is."""
    return f"{TAGS}/{name}.json"


def listed(files: list[str]) -> list[str]:
    """The names whose documents these files are."""
    return sorted(match[1] for match in map(_DOCUMENT.match, files) if match is not None)


def found(place: str, document: bytes) -> Found:
    """What a document says.

    Raises:
        Corrupt: it is no manifest, or was changed.
    """
    try:
        manifest = Manifest.from_bytes(document)
    except Corrupt as error:
        raise Corrupt(f"{place} {error}: push the version again") from error
    return Found(manifest, f"sha256:{hashlib.sha256(document).hexdigest()}")
