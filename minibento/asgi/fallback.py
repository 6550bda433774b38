"""What answers a path that is none of the service's, and our own pages; knows their names only."""

import difflib
import time
from collections.abc import Sequence

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, Router
from starlette.types import Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from minibento.asgi import problem
from minibento.asgi.meter import LogLine
from minibento.asgi.request_ids import RequestId
from minibento.call import Call

__all__ = ["Fallback"]

# Asked every few seconds by machines: a line for each would bury the others.
_PROBES = frozenset({"/livez", "/readyz", "/healthz", "/metrics"})


class Fallback:
    """Starlette's routing for all that is not hot, with errors as problem documents."""

    def __init__(
        self,
        routes: Sequence[BaseRoute],
        paths: Sequence[str],
        request_id: RequestId,
        line: LogLine | None = None,
    ) -> None:
        self._line = line
        self._paths = [*paths, *(route.path for route in routes if isinstance(route, Route))]
        self._router = Router(list(routes), redirect_slashes=False, default=self._not_found)
        self._request_id = request_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one scope that no method answers."""
        if scope["type"] != "http":
            await self._router(scope, receive, send)
            return
        begun = time.monotonic()
        request_id = self._request_id(dict(scope["headers"]).get(b"x-request-id")).decode("ascii")
        status = 0

        async def noting(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            # Starlette raises its 405 as an exception only where an app is there to turn it into
            # an answer.
            await self._router({"app": self, **scope}, receive, noting)
        except Exception as error:
            if status:
                raise  # half an answer has been sent
            found = problem.of(error, request_id, "a page or a mounted app")
            await _response(found, request_id)(scope, receive, noting)
        finally:
            if self._line is not None and scope["path"] not in _PROBES:
                call = Call(request_id)
                self._line(scope, scope["path"], status, time.monotonic() - begun, call)

    async def _not_found(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await WebSocketClose()(scope, receive, send)
            return
        path = scope["path"][len(scope.get("root_path", "")) :]
        raise HTTPException(404, self._detail(path))

    def _detail(self, path: str) -> str:
        near = difflib.get_close_matches(path[:200].rstrip("/") or "/", self._paths, n=1)
        shown = path if len(path) <= 100 else path[:97] + "..."
        if near:
            return f"there is nothing at {shown!a}: did you mean {near[0]}?"
        return f"there is nothing at {shown!a}: /docs lists what there is"


def _response(found: problem.Problem, request_id: str) -> Response:
    return Response(
        found.body(request_id),
        found.status,
        headers={**found.headers, "content-type": problem.MEDIA_TYPE, "x-request-id": request_id},
    )
