"""`s3://`: versions in a bucket, through s3fs; who one is, botocore finds in the usual places.

An object appears when all of it has come, so there is nothing to write aside.
"""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from minibento.errors import Corrupt, NotFound, RemoteError
from minibento.importing import optional
from minibento.remotes.address import Address
from minibento.remotes.base import Blob, Content, Found
from minibento.remotes.layout import TAGS, blob_path, found, listed, tag_path
from minibento.store.manifest import MAX_MANIFEST, Manifest

if TYPE_CHECKING:
    import s3fs

__all__ = ["Bucket", "bucket"]

_PART = 8 << 20  # bytes that are in memory at a time, of one file
_MOST_PARTS = 10_000  # of one object
_LONGEST = 300  # characters of somebody else's error
_TIMES = {"connect_timeout": 10, "read_timeout": 60, "retries": {"max_attempts": 5}}
# At DEBUG they write down what requests are signed with.
_LOGGERS = ("aiobotocore", "botocore", "s3fs")


@contextmanager
def bucket(address: Address, *, writing: bool) -> Iterator["Bucket"]:  # noqa: ARG001 -- told to all
    """Reach a folder of a bucket.

    Raises:
        MissingLibrary: s3fs is not installed.
    """
    s3fs = optional("s3fs", purpose="s3://")
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
    files = s3fs.S3FileSystem(
        skip_instance_cache=True, use_listings_cache=False, config_kwargs=_TIMES
    )
    yield Bucket(address, files)


class Bucket:
    """A place that is a folder of a bucket."""

    def __init__(self, address: Address, files: "s3fs.S3FileSystem") -> None:
        self._address = address
        self._files = files

    def has(self, blob: Blob) -> bool:
        """Whether an object of this name and size is there."""
        return self._size(blob_path(blob)) == blob.size

    def put(self, blob: Blob, content: Content) -> None:
        """Send content in parts, which become an object when all have come."""
        self._write(blob_path(blob), content(), blob.size)

    def read(self, blob: Blob) -> Iterator[bytes]:
        """The content, a part at a time."""
        path = blob_path(blob)
        size = self._size(path)
        if size is None:
            raise NotFound(f"{self._address} has no content {blob.digest}")
        if size != blob.size:
            raise Corrupt(f"{blob.digest} has {size} bytes, not {blob.size}")
        for start in range(0, size, _PART):
            yield self._part(path, start, min(start + _PART, size))

    def find(self, name: str) -> Found | None:
        """The document of a name."""
        path = tag_path(name)
        size = self._size(path)
        if size is None:
            return None
        return found(str(self._address.at(name)), self._part(path, 0, min(size, MAX_MANIFEST + 1)))

    def check(self, manifest: Manifest) -> None:
        """A bucket holds every version."""

    def publish(self, manifest: Manifest, names: list[str]) -> str:
        """Write the documents."""
        document = manifest.to_bytes()
        for name in names:
            self._write(tag_path(name), iter([document]), len(document))
        return found(str(self._address), document).digest

    def names(self) -> list[str]:
        """All names that have a document."""
        with _failures(self._address):
            try:
                paths = self._files.ls(self._path(TAGS), detail=False)
            except FileNotFoundError:
                return []
        return listed([path.rpartition("/")[2] for path in paths])

    def _path(self, path: str) -> str:
        return f"{self._address.place}/{path}"

    def _size(self, path: str) -> int | None:
        with _failures(self._address):
            try:
                info = self._files.info(self._path(path))
            except FileNotFoundError:
                return None
        return info["size"] if info["type"] == "file" else None

    def _part(self, path: str, start: int, end: int) -> bytes:
        if start == end:
            return b""
        with _failures(self._address):
            part: bytes = self._files.cat_file(self._path(path), start=start, end=end)
        return part

    def _write(self, path: str, blocks: Iterator[bytes], size: int) -> None:
        part = max(_PART, -(-size // _MOST_PARTS))
        with _failures(self._address):
            # Without autocommit nothing appears before `commit`, also not where closing sends.
            file = self._files.open(self._path(path), "wb", block_size=part, autocommit=False)
            try:
                for block in blocks:
                    file.write(block)
                file.close()
            except BaseException:
                file.discard()
                file.closed = True
                raise
            file.commit()


@contextmanager
def _failures(address: Address) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _refused(address, error) from error
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in {"botocore", "aiobotocore", "aiohttp"}:
            raise
        raise _refused(address, error) from error


def _refused(address: Address, error: Any) -> RemoteError:
    name = type(error).__name__
    if isinstance(error, PermissionError) or "Credential" in name:
        mend = (
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or ~/.aws/credentials "
            "to somebody who may do this"
        )
    elif isinstance(error, FileNotFoundError):
        mend = "make the bucket first, or check its name"
    else:
        mend = "check the bucket, the network and AWS_ENDPOINT_URL"
    said = re.sub(r"//[^/@\s]*@", "//***@", str(error)) or name  # an endpoint may have a password
    return RemoteError(f"{address}: {said[:_LONGEST]}: {mend}")
