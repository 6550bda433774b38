"""A registry in this process that does as it is told, also wrongly; it keeps all in memory."""

import base64
import hashlib
import json
import re
import secrets
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

__all__ = ["FakeRegistry", "First", "Handler", "answers", "basic", "digest_of", "head", "running"]

TOKEN = "a-token-of-the-registry"  # noqa: S105 -- of this registry only


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@dataclass
class FakeRegistry:
    """What it holds, what it was asked, and how it behaves.

    Attributes:
        twist: Sees each request first; answers it itself and returns True, or leaves it.
        password: `user:password` that it asks for.
        bearer: It sends those who ask to `/token` first.
        stopped: Set at the end, so that whatever waits leaves.
    """

    port: int = 0
    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, bytes] = field(default_factory=dict)
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)
    twist: "Callable[[Handler], bool]" = lambda _: False
    password: str | None = None
    bearer: bool = False
    identity: str | None = None
    page: int = 1000
    stopped: threading.Event = field(default_factory=threading.Event)

    def url(self, repository: str = "team/credit") -> str:
        return f"oci://127.0.0.1:{self.port}/{repository}"

    def paths(self, method: str) -> list[str]:
        return [path for asked, path, _ in self.asked if asked == method]

    def authorizations(self) -> set[str | None]:
        return {authorization for _, _, authorization in self.asked}


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    registry: FakeRegistry

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def drip(self, every: float) -> None:
        """A byte now and then, as long as anybody listens."""
        while not self.registry.stopped.wait(every):
            self.wfile.write(b"x")
            self.wfile.flush()

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        pass

    def _serve(self) -> None:
        registry, path = self.registry, self.path
        registry.asked.append((self.command, path, self.headers.get("Authorization")))
        if registry.twist(self):
            return
        if urlsplit(path).path == "/token":
            self._token()
        elif not self._let_in():
            kind = "Bearer" if registry.bearer else "Basic"
            realm = f"http://127.0.0.1:{registry.port}/token"
            self.body()
            self.answer(401, WWW_Authenticate=f'{kind} realm="{realm}",service="fake"')
        elif "/blobs/uploads/" in path:
            self._upload()
        elif "/blobs/" in path:
            self._blob(path.rpartition("/")[2])
        elif "/manifests/" in path:
            self._manifest(path.rpartition("/")[2])
        else:
            self._tags()

    do_GET = do_HEAD = do_POST = do_PUT = _serve  # noqa: N815 -- http.server's names

    def _let_in(self) -> bool:
        registry, given = self.registry, self.headers.get("Authorization")
        if registry.password is None and registry.identity is None:
            return True
        if registry.bearer:
            return given == f"Bearer {TOKEN}"
        return given == basic(str(registry.password))

    def _token(self) -> None:
        registry = self.registry
        if self.command == "POST":
            form = parse_qs(self.body().decode())
            good = form.get("refresh_token") == [registry.identity]
        else:
            good = self.headers.get("Authorization") == basic(str(registry.password))
        if good:
            self.answer(200, json.dumps({"token": TOKEN}).encode())
        else:
            self.answer(401)

    def _upload(self) -> None:
        if self.command == "POST":
            location = f"{self.path}{secrets.token_hex(4)}?state=1"
            self.answer(202, Location=location)
            return
        data = self.body()
        (digest,) = parse_qs(urlsplit(self.path).query)["digest"]
        if digest_of(data) != digest:
            self.answer(400, errors("DIGEST_INVALID", "that is not its digest"))
            return
        self.registry.blobs[digest] = data
        self.answer(201)

    def _blob(self, digest: str) -> None:
        data = self.registry.blobs.get(digest)
        if data is None:
            self.answer(404)
        elif found := re.match(r"bytes=(\d+)-", self.headers.get("Range", "")):
            start = int(found[1])
            span = f"bytes {start}-{len(data) - 1}/{len(data)}"
            self.answer(206, data[start:], Content_Range=span)
        else:
            self.answer(200, data)

    def _manifest(self, name: str) -> None:
        if self.command == "PUT":
            self.registry.manifests[name] = self.body()
            self.answer(201)
        elif name in self.registry.manifests:
            self.answer(200, self.registry.manifests[name])
        else:
            self.answer(404, errors("MANIFEST_UNKNOWN", "no such manifest"))

    def _tags(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        after = sorted(one for one in self.registry.manifests if one > query.get("last", [""])[0])
        some = after[: self.registry.page]
        more = {"Link": '</v2/next>; rel="next"'} if len(after) > len(some) else {}
        self.answer(200, json.dumps({"tags": some}).encode(), **more)


@dataclass
class First:
    """Leaves all requests of one kind to `twist` for the first few times."""

    method: str
    part: str
    times: int
    twist: Callable[[Handler], None]
    seen: list[str | None] = field(default_factory=list)

    def __call__(self, request: Handler) -> bool:
        if request.command != self.method or self.part not in request.path:
            return False
        self.seen.append(request.headers.get("Range"))
        if len(self.seen) > self.times:
            return False
        self.twist(request)
        return True


def answers(status: int, body: bytes = b"", **headers: str) -> Callable[[Handler], None]:
    def twist(request: Handler) -> None:
        request.body()
        request.answer(status, body, **headers)

    return twist


def head(request: Handler, length: int | None, status: int = 200, **headers: str) -> None:
    request.send_response(status)
    for name, value in headers.items():
        request.send_header(name.replace("_", "-"), value)
    if length is not None:
        request.send_header("Content-Length", str(length))
    request.end_headers()


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(password.encode()).decode()


def errors(code: str, message: str) -> bytes:
    return json.dumps({"errors": [{"code": code, "message": message}]}).encode()


@contextmanager
def running(tls: ssl.SSLContext | None = None) -> Iterator[FakeRegistry]:
    """A registry on a free port, gone at the end of the block."""
    registry = FakeRegistry()
    handler = type("Bound", (Handler,), {"registry": registry})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        registry.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield registry
        finally:
            registry.stopped.set()
            server.shutdown()
            thread.join()
