"""What answers a path that is none of the service's, and our own pages; knows their names only."""

import difflib
import time
from collections.abc import Sequence

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse
from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketClose

from minibento.asgi.guard import Noting, guarded
from minibento.asgi.meter import LogLine
from minibento.asgi.request_ids import RequestId
from minibento.asgi.route_path import route_path
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
        *,
        show_errors: bool = False,
    ) -> None:
        self._line = line
        self._show_errors = show_errors
        self._paths = [*paths, *(route.path for route in routes if isinstance(route, Route))]
        self._mounts = {route.path for route in routes if isinstance(route, Mount)}
        self._router = Router(list(routes), redirect_slashes=False, default=self._not_found)
        self._request_id = request_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one scope that no method answers."""
        if scope["type"] != "http":
            await self._router(scope, receive, send)
            return
        begun = time.monotonic()
        request_id = self._request_id(dict(scope["headers"]).get(b"x-request-id")).decode("ascii")
        # Starlette raises its 405 as an exception only where an app is there to turn it into an
        # answer.
        scope = {"app": self, **scope}
        noting = Noting(send)
        try:
            where = "a page or a mounted app"
            await guarded(
                self._router,
                scope,
                receive,
                noting,
                request_id=request_id,
                where=where,
                show_errors=self._show_errors,
            )
        finally:
            if self._line is not None and route_path(scope) not in _PROBES:
                call = Call(request_id)
                self._line(scope, scope["path"], noting.status, time.monotonic() - begun, call)

    async def _not_found(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await WebSocketClose()(scope, receive, send)
            return
        path = route_path(scope)
        if path in self._mounts:
            # Not Starlette's own redirect: it would lead to whatever host the request names.
            query = scope.get("query_string", b"").decode("latin-1")
            where = f"{scope['path']}/" + (f"?{query}" if query else "")
            await RedirectResponse(where)(scope, receive, send)
            return
        raise HTTPException(404, self._detail(path))

    def _detail(self, path: str) -> str:
        near = difflib.get_close_matches(path[:200].rstrip("/") or "/", self._paths, n=1)
        shown = path if len(path) <= 100 else path[:97] + "..."
        if near:
            return f"there is nothing at {shown!a}: did you mean {near[0]}?"
        return f"there is nothing at {shown!a}: /docs lists what there is"
