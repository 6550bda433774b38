"""The socket on which `minibento status` and `minibento reload` ask; knows no process.

One JSON document on a line in; lines with `say` out, then one with `ok`.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from minibento.errors import MinibentoError, StoreError
from minibento.wire.listening import listening

__all__ = ["Admin"]

_LOG = logging.getLogger("minibento")
_ASK_SECONDS = 5.0

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
            async with asyncio.timeout(_ASK_SECONDS):
                line = await reader.readline()
            tell(await self._answer(line, lambda text: tell({"say": text})))
            await writer.drain()
        except (TimeoutError, ValueError, ConnectionError):
            pass  # whoever asked says nothing, too much, or has gone
        finally:
            writer.close()

    async def _answer(self, line: bytes, say: Say) -> dict[str, Any]:
        asked: Any = None
        with suppress(ValueError, RecursionError):
            asked = json.loads(line)
        wanted = asked.get("do") if isinstance(asked, dict) else None
        try:
            if wanted == "status":
                return {"ok": True, "server": self._status()}
            if wanted == "reload":
                return {"ok": True, **await self._reload(say)}
        except MinibentoError as error:
            return {"ok": False, "error": str(error), "traceback": getattr(error, "traceback", "")}
        except OSError as error:  # no descriptor is free, or the run directory has gone
            _LOG.exception("%r was asked for and failed", wanted)
            return {"ok": False, "error": f"{wanted}: {error}"}
        return {"ok": False, "error": f"this server knows 'status' and 'reload', not {wanted!r}"}
