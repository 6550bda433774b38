"""`oci://`: versions in a registry of the OCI distribution specification; knows no credentials."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import quote

from minibento.errors import Corrupt, NotFound, RemoteError
from minibento.importing import optional
from minibento.remotes.address import Address
from minibento.remotes.base import Blob, Content, Found
from minibento.remotes.image import (
    MAX_IMAGE,
    MEDIA_TYPE,
    check_layers,
    config_of,
    digest_of,
    image_of,
)
from minibento.remotes.pace import Patience
from minibento.remotes.place import RegistryPlace
from minibento.remotes.request import Again, Request
from minibento.store.manifest import Manifest

if TYPE_CHECKING:
    import httpx2

    from minibento.remotes.session import Session

__all__ = ["Registry", "registry"]

_PATIENCE = Patience()
_SLOWEST_STORE = 5_000_000  # bytes a second; some registries copy what they got before they answer
_WORTH = 8 << 20  # bytes after which a broken connection is no failure of the same try
_MAX_LIST = 4 << 20
_PAGE = 1000
_PAGES = 100
_RANGE = re.compile(r"bytes (\d+)-")


@contextmanager
def registry(address: Address, *, writing: bool) -> Iterator["Registry"]:
    """Reach a repository; nothing is sent yet.

    Raises:
        MissingLibrary: httpx2 is not installed.
    """
    optional("httpx2", purpose="oci://", extra="registry")
    from minibento.remotes.session import Session

    place = RegistryPlace(address)
    actions = "pull,push" if writing else "pull"
    with Session(place, f"repository:{place.repository}:{actions}", _PATIENCE) as session:
        yield Registry(place, session, _PATIENCE)


class Registry:
    """A place that is a repository."""

    def __init__(self, place: RegistryPlace, session: "Session", patience: Patience) -> None:
        self._place = place
        self._session = session
        self._patience = patience

    # Content -------------------------------------------------------------------------------------

    def has(self, blob: Blob) -> bool:
        """Ask for its head."""
        request = Request("HEAD", self._url(f"blobs/{blob.digest}"), ok=(200, 404))
        return self._session.ask(request, lambda response: response.status_code == 200)

    def put(self, blob: Blob, content: Content) -> None:
        """Begin an upload, then send all of it in one request; both again if it breaks."""
        self._session.patiently(lambda: self._upload(blob, content), always=True)

    def read(self, blob: Blob) -> Iterator[bytes]:
        """The content as it comes; a connection that breaks is made again from there."""
        done = since = failed = 0
        while True:
            try:
                for piece in self._piece(blob, done):
                    done += len(piece)
                    yield piece
                return
            except Again as again:
                failed = 1 if done - since >= _WORTH else failed + 1
                since = done
                self._session.give_way(failed, again)

    def _upload(self, blob: Blob, content: Content) -> None:
        begin = Request("POST", self._url("blobs/uploads/"), ok=(202,))
        location = self._session.once(begin, self._session.leads_to)
        joined = "&" if "?" in location else "?"
        send = Request(
            "PUT",
            f"{location}{joined}digest={blob.digest}",
            {"Content-Type": "application/octet-stream", "Content-Length": str(blob.size)},
            content,
            ok=(201,),
            silence=self._patience.silence + blob.size / _SLOWEST_STORE,
        )
        self._session.once(send, lambda _: None)

    def _piece(self, blob: Blob, done: int) -> Iterator[bytes]:
        headers = {"Range": f"bytes={done}-"} if done else {}
        ok = (200, 206, 404) if done else (200, 404)
        request = Request("GET", self._url(f"blobs/{blob.digest}"), headers, ok=ok)
        with self._session.stream(request) as response:
            if response.status_code == 404:
                raise NotFound(f"{self._place.address} has no content {blob.digest}")
            at = self._begins_at(response, done)
            self._check_length(response, blob, at)
            pace = self._session.pace()
            for piece in response.iter_raw():
                pace.moved(len(piece))
                if at + len(piece) > blob.size:
                    raise Corrupt(f"{blob.digest} goes on after its {blob.size} bytes")
                if new := piece[max(0, done - at) :]:
                    yield new
                at += len(piece)
            if at < blob.size:
                raise Again(RemoteError(f"{blob.digest} ends after {at} of its {blob.size} bytes"))

    def _begins_at(self, response: "httpx2.Response", done: int) -> int:
        """Not every registry heeds a range: then what is known already is passed over."""
        if response.status_code == 200:
            return 0
        found = _RANGE.match(response.headers.get("content-range", ""))
        if found is None or int(found[1]) != done:
            raise RemoteError(f"{self._place.address} sends another part than it was asked for")
        return done

    def _check_length(self, response: "httpx2.Response", blob: Blob, at: int) -> None:
        length = response.headers.get("content-length", "")
        if length.isascii() and length.isdigit() and at + int(length[:20]) != blob.size:
            raise Corrupt(f"{blob.digest} has {at + int(length[:20])} bytes, not {blob.size}")

    # Names ---------------------------------------------------------------------------------------

    def find(self, name: str) -> Found | None:
        """The OCI manifest of a name, and the version's own, which is its config."""
        request = Request(
            "GET", self._url(f"manifests/{name}"), {"Accept": MEDIA_TYPE}, ok=(200, 404)
        )

        def take(response: "httpx2.Response") -> bytes | None:
            missing = response.status_code == 404
            return None if missing else self._session.body(response, MAX_IMAGE)

        image = self._session.ask(request, take)
        if image is None:
            return None
        try:
            return Found(self._manifest(image), digest_of(image))
        except Corrupt as error:
            where = self._place.address.at(name)
            raise Corrupt(f"{where} {error}: it is nothing that `push` has made") from error

    def check(self, manifest: Manifest) -> None:
        """The list of files must not be too long."""
        image_of(manifest)

    def publish(self, manifest: Manifest, names: list[str]) -> str:
        """Send the version's own manifest, then what refers to it and to the files."""
        image, config = image_of(manifest)
        if not self.has(config):
            self.put(config, lambda: iter([manifest.to_bytes()]))
        headers = {"Content-Type": MEDIA_TYPE, "Content-Length": str(len(image))}
        for name in names:
            url = self._url(f"manifests/{name}")
            request = Request("PUT", url, headers, lambda: iter([image]), ok=(201,))
            self._session.ask(request, lambda _: None)
        return digest_of(image)

    def names(self) -> list[str]:
        """All tags, page by page."""
        found: set[str] = set()
        for _ in range(_PAGES):
            tags, more = self._page(max(found, default=""))
            known = len(found)
            found.update(tags)
            if not more or len(found) == known:
                break
        return sorted(found)

    def _manifest(self, image: bytes) -> Manifest:
        config = config_of(image)
        data = b"".join(self.read(config))
        if digest_of(data) != config.digest:
            raise Corrupt("has a config that is not what its digest says")
        manifest = Manifest.from_bytes(data)
        check_layers(image, manifest)
        return manifest

    def _page(self, last: str) -> tuple[list[str], bool]:
        url = self._url(f"tags/list?n={_PAGE}" + (f"&last={quote(last)}" if last else ""))

        def take(response: "httpx2.Response") -> tuple[bytes, str]:
            if response.status_code == 404:
                return b'{"tags": []}', ""
            return self._session.body(response, _MAX_LIST), response.headers.get("link", "")

        data, link = self._session.ask(Request("GET", url, ok=(200, 404)), take)
        try:
            tags = json.loads(data)["tags"] or []
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            raise RemoteError(f"{self._place.address} lists its tags in no known form") from error
        return [tag for tag in tags if isinstance(tag, str)], "next" in link

    def _url(self, path: str) -> str:
        return f"{self._place.url}/{path}"
