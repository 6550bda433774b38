"""A door with an app behind it and callers on raw sockets, all on one event loop."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import uvloop
from starlette.types import Receive, Scope, Send

from minibento.config.settings import Config, Limits
from minibento.metrics import Metrics
from minibento.processes.http_server import HttpServer

BOUND_SECONDS = 5.0


def on_loop(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a test on the loop that servers run on."""

    async def bounded() -> None:
        async with asyncio.timeout(BOUND_SECONDS):
            await test()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(bounded())


async def until(holds: Callable[[], object]) -> None:
    """Return when it does."""
    while not holds():  # noqa: ASYNC110  # what the system does sets no event
        await asyncio.sleep(0)


class App:
    """Answers each path in a way of its own, and knows what it was asked.

    Attributes:
        scopes: Of the requests that reached it.
        bodies: Of those that were read to their end.
        gone: Set when a caller of `/hold` or `/read` has left.
        entered: Set when it was asked.
        release: Lets `/hold` answer.
        sent: Bytes that `/flood` could send.
    """

    def __init__(self) -> None:
        self.scopes: list[Scope] = []
        self.bodies: list[bytes] = []
        self.gone = asyncio.Event()
        self.entered = asyncio.Event()
        self.release = asyncio.Event()
        self.sent = 0

    @property
    def paths(self) -> list[str]:
        return [scope["path"] for scope in self.scopes]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scopes.append(scope)
        self.entered.set()
        path = scope["path"]
        if path == "/unread":
            await answer(send, b"unread")
        elif path == "/big":
            await answer(send, b"x" * 20_000_000)
        elif path == "/flood":
            await self._flood(send)
        elif path == "/hold":
            await self.release.wait()
            await answer(send, b"held")
        elif path == "/half":
            await answer(send, b"half", more=b"of it", until=self.release)
        elif await self._read(receive):
            await answer(send, scope["method"].encode() + b" " + self.bodies[-1])

    async def _read(self, receive: Receive) -> bool:
        body = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.gone.set()
                return False
            body += message["body"]
            if not message["more_body"]:
                self.bodies.append(body)
                return True

    async def _flood(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(10_000):
            await send({"type": "http.response.body", "body": b"x" * 10_000, "more_body": True})
            self.sent += 10_000
        await send({"type": "http.response.body", "body": b""})


async def answer(
    send: Send, body: bytes, *, more: bytes = b"", until: asyncio.Event | None = None
) -> None:
    length = b"%d" % len(body + more)
    headers = [(b"content-type", b"text/plain"), (b"content-length", length)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": bool(more)})
    if until is not None:
        await until.wait()
        await send({"type": "http.response.body", "body": more})


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def closes(self) -> bool:
        return self.headers.get("connection") == "close"


class Caller:
    """One connection, byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def send(self, data: bytes) -> None:
        self._writer.write(data)

    async def answer(self, *, bodiless: bool = False) -> Answer:
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        pairs = (line.partition(": ")[::2] for line in head[1:] if line)
        headers = dict(pairs)
        length = 0 if bodiless else int(headers.get("content-length", 0))
        body = await self._reader.readexactly(length)
        return Answer(int(head[0].split(" ")[1]), headers, body)

    async def ask(self, path: str = "/") -> Answer:
        self.send(get(path))
        return await self.answer()

    async def ends(self) -> bool:
        """Whether the connection ends here, with nothing more on it."""
        try:
            return await self._reader.read() == b""
        except ConnectionResetError:
            return False

    async def rest(self) -> bytes:
        """Whatever still comes on this connection."""
        return await self._reader.read()

    def reads_nothing(self) -> None:
        """Take no byte more from the system."""
        cast("asyncio.Transport", self._writer.transport).pause_reading()

    def leave(self) -> None:
        self._writer.transport.abort()

    def says_no_more(self) -> None:
        self._writer.write_eof()


def get(path: str, *more: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: x", *more, "", ""]).encode()


def post(path: str, body: bytes, *more: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: x", f"Content-Length: {len(body)}", *more, "", ""]
    return "\r\n".join(lines).encode() + body


@dataclass
class Opened:
    """A door that is open.

    Attributes:
        server: The one that is tested.
        listening: Its listening socket, before the server had it: like the supervisor's.
    """

    app: App
    server: HttpServer
    metrics: Metrics
    listening: socket.socket
    callers: list[Caller] = field(default_factory=list)

    async def call(self, **options: Any) -> Caller:
        """A new connection."""
        caller = Caller(*await asyncio.open_connection(*self.listening.getsockname(), **options))
        self.callers.append(caller)
        return caller

    def count(self, family: str, *labels: str) -> float:
        return next(one for one in self.metrics if one.name == family).value(*labels).number


def bound() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    made.bind(("127.0.0.1", 0))
    return made


@asynccontextmanager
async def opened(
    app: Any = None, *, listening: socket.socket | None = None, **settings: Any
) -> AsyncIterator[Opened]:
    """A server; those settings that are limits count as such."""
    names = set(Limits.__dataclass_fields__) & set(settings)
    limits = Limits(**{name: settings.pop(name) for name in names})
    metrics = Metrics()
    with bound() if listening is None else listening.dup() as own:
        app = App() if app is None else app
        server = HttpServer(app, Config(limits=limits, **settings), metrics=metrics)
        await server.start([own.dup()])
        door = Opened(app, server, metrics, own)
        try:
            yield door
        finally:
            for caller in door.callers:
                caller.leave()
            server.haste()
            await server.retire(0)
