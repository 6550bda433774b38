"""The socket on which `minibento status` and `minibento reload` ask; knows no process.

One JSON document on a line in; lines with `say` out, then one with `ok`.
"""

import asyncio
import json
import logging
import select
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from minibento.errors import MinibentoError, StoreError, Unavailable
from minibento.wire.listening import listening
from minibento.wire.peer import is_ours

__all__ = ["Admin"]

_LOG = logging.getLogger("minibento")
_ASK_SECONDS = 5.0
# Of more connections on which nothing is asked, the oldest has to go.
_MOST_SILENT = 16
# Of those that run, one after the other, or wait.
_MOST_RELOADS = 8
# Within which an answer must have been taken.
_TAKE_SECONDS = 5.0

Say = Callable[[str], None]


class Admin:
    """Answers on a unix socket that only this user reaches.

    Args:
        path: Of the socket.
        status: What the server is.
        reload: Renews it; raises MinibentoError.
    """

    def __init__(
        self,
        path: Path,
        status: Callable[[], dict[str, Any]],
        reload: Callable[[Say], Awaitable[dict[str, Any]]],
    ) -> None:
        self._path = path
        self._status = status
        self._reload = reload
        self._server: asyncio.Server | None = None
        self._silent: dict[asyncio.StreamWriter, None] = {}
        self._reloads = 0

    async def start(self) -> None:
        """Answer from now on. Raises StoreError if there is no room for the socket."""
        try:
            made = listening(self._path)
        except OSError as error:
            raise StoreError(
                f"run directory {self._path.parent} cannot be used: {error.strerror or error}: "
                "set MINIBENTO_RUN_DIR to a folder that this user can write"
            ) from error
        self._server = await asyncio.start_unix_server(self._conversation, sock=made)

    async def close(self) -> None:
        """Answer no more."""
        if self._server is not None:
            self._server.close()

    async def _conversation(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        def tell(document: dict[str, Any]) -> None:
            writer.write(json.dumps(document).encode() + b"\n")

        try:
            if not is_ours(writer.get_extra_info("socket")):
                return
            line = await self._question(reader, writer)
            tell(await self._answer(line, lambda text: tell({"say": text})))
            async with asyncio.timeout(_TAKE_SECONDS):
                writer.close()
                await writer.wait_closed()
        except (TimeoutError, ValueError, ConnectionError):
            pass  # whoever asked says nothing, too much, takes no answer, or has gone
        finally:
            writer.transport.abort()

    async def _question(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        if len(self._silent) >= _MOST_SILENT:
            oldest = next(filter(_says_nothing, self._silent), None)
            if oldest is not None:
                oldest.transport.abort()
        self._silent[writer] = None
        try:
            async with asyncio.timeout(_ASK_SECONDS):
                return await reader.readline()
        finally:
            del self._silent[writer]

    async def _answer(self, line: bytes, say: Say) -> dict[str, Any]:
        asked: Any = None
        with suppress(ValueError, RecursionError):
            asked = json.loads(line)
        wanted = asked.get("do") if isinstance(asked, dict) else None
        try:
            if wanted == "status":
                return {"ok": True, "server": self._status()}
            if wanted == "reload":
                return {"ok": True, **await self._reloaded(say)}
        except MinibentoError as error:
            return {"ok": False, "error": str(error), "traceback": getattr(error, "traceback", "")}
        except OSError as error:  # no descriptor is free, or the run directory has gone
            _LOG.exception("%r was asked for and failed", wanted)
            return {"ok": False, "error": f"{wanted}: {error}"}
        return {"ok": False, "error": f"this server knows 'status' and 'reload', not {wanted!r}"}

    async def _reloaded(self, say: Say) -> dict[str, Any]:
        if self._reloads >= _MOST_RELOADS:
            raise Unavailable(f"{self._reloads} reloads run or wait already: wait for their end")
        self._reloads += 1
        try:
            return await self._reload(say)
        finally:
            self._reloads -= 1


def _says_nothing(writer: asyncio.StreamWriter) -> bool:
    """Whether nothing of it waits to be read."""
    poll = select.poll()
    descriptor: int = writer.get_extra_info("socket").fileno()
    if descriptor < 0:
        return False
    poll.register(descriptor, select.POLLIN)
    return not poll.poll(0)
