"""The HTTP door of one API worker: opens, retires, closes; knows no signals and no service.

uvicorn's parts with a life cycle of our own: it has one process leave at a time of its choosing,
without losing the request that is on its way over a connection kept open.
"""

import asyncio
import socket
import time
from collections.abc import Sequence
from email.utils import formatdate
from typing import Any

import uvicorn
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.server import ServerState

from minibento.config.settings import Config
from minibento.metrics import Metrics
from minibento.processes.descriptors import Shortage
from minibento.processes.http_door import Door
from minibento.processes.http_protocol import HttpProtocol
from minibento.processes.http_refusals import Refusal, Refusals
from minibento.processes.last_call import admit_nobody_new, waiting

__all__ = ["HttpServer"]

_BACKLOG = 2048
_DATE_SECONDS = 1.0
# Turns of the event loop within which the accept queue must be empty once.
_MOST_TURNS = 1000
# For handshakes that have begun: who has heard that it is let in may already have asked.
_ROUND_TRIP_SECONDS = 0.1
# For what has been cancelled to end.
_LAST_SECONDS = 1.0


class HttpServer:
    """Serves one ASGI app, which has been started, on sockets that are listening or bound.

    Args:
        app: What answers.
        config: Its `limits`, `root_path`, `forwarded_allow_ips`, `access_log` and `tls` count.
        metrics: Where refused requests are counted.
    """

    def __init__(self, app: Any, config: Config, *, metrics: Metrics | None = None) -> None:
        tls = config.tls
        self._config = uvicorn.Config(
            app,
            interface="asgi3",
            http=HttpProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            root_path=config.root_path.rstrip("/"),
            ssl_certfile=tls.certificate if tls else None,
            ssl_keyfile=tls.key if tls else None,
        )
        self._config.load()
        self._state = ServerState()
        self._door = Door(
            config.limits,
            Refusals(metrics, access_log=config.access_log),
            self._config.loaded_app,
            ProxyHeadersMiddleware(self._config.loaded_app, config.forwarded_allow_ips),
        )
        self._sockets: list[socket.socket] = []
        self._servers: list[asyncio.Server] = []
        self._clock: asyncio.TimerHandle | None = None
        self._hasty = False
        self._shortage = Shortage()
        self.closed = asyncio.Event()  # set when nobody is accepted any more

    @property
    def connections(self) -> int:
        """Those that are open."""
        return len(self._state.connections)

    @property
    def requests(self) -> int:
        """Those that the app has answered."""
        return self._state.total_requests

    @property
    def under_way(self) -> int:
        """Requests that are being answered."""
        return len(self._state.tasks)

    async def start(self, sockets: Sequence[socket.socket]) -> None:
        """Accept connections from now on. The sockets are this server's; it closes them.

        Raises:
            OSError: one cannot listen.
        """
        loop = asyncio.get_running_loop()
        handshake_seconds = self._door.limits.headers_seconds if self._config.ssl else None
        self._tick(loop)
        for one in sockets:
            one.listen(_BACKLOG)  # uvloop's own says nothing of an error
            server = await loop.create_server(
                lambda: HttpProtocol(self._door, self._config, self._state, loop),
                sock=one,
                ssl=self._config.ssl,
                ssl_handshake_timeout=handshake_seconds,
                backlog=_BACKLOG,
            )
            self._sockets.append(one)
            self._servers.append(server)

    async def retire(self, linger: float = 5.0) -> None:
        """Stop accepting in this process; return when no connection and no request is left.

        Whatever is answered from now on is the last answer of its connection, and says so. A
        connection on which nothing is asked stays open for `linger` seconds, as a request may be
        under way on it.
        """
        door = self._door
        door.retiring = True
        for server in self._servers:
            server.close()
        self._servers.clear()
        self._sockets.clear()
        self.closed.set()
        for connection in self._connections():
            connection.retire()
        try:
            async with asyncio.timeout(linger):
                await self._last_has_left()
        except TimeoutError:
            for connection in self._connections():
                connection.dismiss()
            await self._last_has_left()
        # Callers may be gone, what they asked for still goes on.
        while self._state.tasks and not self._hasty:
            await asyncio.wait(self._state.tasks, timeout=_LAST_SECONDS)
        if self._clock is not None:
            self._clock.cancel()

    async def stop(self, grace: float, linger: float = 1.0) -> None:
        """Accept all who wait to be accepted, retire, and cut off what is left after `grace` s."""
        try:
            async with asyncio.timeout(grace):
                await self._accept_those_who_wait()
                await self.retire(linger)
        except TimeoutError:
            count = len(self._state.tasks)
            if count:
                self._door.log.warning("stopping: %d requests took longer than %g s", count, grace)
            await self._cut(
                Refusal(503, "the server stopped before there was an answer", retry_after=1)
            )

    def haste(self) -> None:
        """Cut everything off now; a `retire` or `stop` under way returns within a second."""
        self._hasty = True
        self._end(None)

    async def _cut(self, refusal: Refusal) -> None:
        self._end(refusal)
        tasks = self._state.tasks
        if tasks:
            await asyncio.wait(tasks, timeout=_LAST_SECONDS)
        try:
            async with asyncio.timeout(_LAST_SECONDS):
                await self._last_has_left()
        except TimeoutError:
            for connection in self._connections():
                connection.cut(None)

    def _end(self, refusal: Refusal | None) -> None:
        self._door.retiring = True
        # That these fail now is no news.
        self._door.log.disabled = True
        for server in self._servers:
            server.close()
        self.closed.set()
        for connection in self._connections():
            connection.cut(refusal)
        for task in self._state.tasks:
            task.cancel()

    async def _last_has_left(self) -> None:
        while self._state.connections:
            self._door.left.clear()
            await self._door.left.wait()

    async def _accept_those_who_wait(self) -> None:
        for one in self._sockets:
            admit_nobody_new(one)
        await self._emptied()
        await asyncio.sleep(_ROUND_TRIP_SECONDS)
        await self._emptied()

    async def _emptied(self) -> None:
        for _ in range(_MOST_TURNS):
            if not any(map(waiting, self._sockets)):
                return
            await asyncio.sleep(0)

    def _connections(self) -> list[HttpProtocol]:
        return [one for one in self._state.connections if isinstance(one, HttpProtocol)]

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        """Once a second: renew the Date header of all answers, look whether any may still come."""
        self._shortage.look()
        self._state.default_headers = [(b"date", formatdate(time.time(), usegmt=True).encode())]
        self._clock = loop.call_later(_DATE_SECONDS, self._tick, loop)
