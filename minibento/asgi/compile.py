"""From a started service to its ASGI app: the whole composition, in one place."""

from collections.abc import Awaitable, Mapping
from typing import Any

from starlette.routing import BaseRoute, Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from minibento.asgi.access_log import write_line
from minibento.asgi.endpoint import Endpoint
from minibento.asgi.fallback import Fallback
from minibento.asgi.guard import Guard
from minibento.asgi.health import health_routes
from minibento.asgi.invoke import invoker
from minibento.asgi.lifecycle import Lifecycle
from minibento.asgi.meter import Meter
from minibento.asgi.metrics_page import metrics_route
from minibento.asgi.pages import page_routes
from minibento.asgi.request_ids import maker
from minibento.asgi.room import Room
from minibento.asgi.route_path import route_path
from minibento.asgi.serving import Serving
from minibento.asgi.timings import timed

__all__ = ["compiled"]


def compiled(lifecycle: Lifecycle, serving: Serving) -> ASGIApp:
    """The app of a service: its methods by exact path, then our pages and the mounts."""
    declaration, loop = lifecycle.declaration, lifecycle.loop
    assert loop is not None
    request_id = maker()
    line = write_line if serving.access_log else None
    room = Room(serving.max_room)
    endpoints: dict[str, ASGIApp] = {}
    for method in declaration.methods:
        invoke = invoker(method, lifecycle.instance, lifecycle.threads, admission=serving.admission)
        meter = Meter(lifecycle.metrics, method.name, line)
        endpoint = Endpoint(method, invoke, request_id, meter, loop, serving=serving, room=room)
        endpoints[method.path] = timed(endpoint) if serving.timings else endpoint
    routes: list[BaseRoute] = [
        *health_routes(lifecycle),
        metrics_route(lifecycle.metrics, serving.metrics_source),
        *page_routes(declaration),
        *(Mount(path, app) for path, app in declaration.mounts.items()),
    ]
    show = serving.show_errors
    rest = Fallback(routes, list(endpoints), request_id, line, show_errors=show)
    app: ASGIApp = _by_path(endpoints, rest)
    for entry in reversed(declaration.middleware):
        app = entry.cls(app, *entry.args, **entry.kwargs)
    return Guard(app, request_id, show_errors=show) if declaration.middleware else app


def _by_path(endpoints: Mapping[str, ASGIApp], rest: ASGIApp) -> ASGIApp:
    # Not async: what it returns is awaited by the server, one coroutine less per request.
    def dispatch(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        endpoint: Any = None
        if scope["type"] == "http":
            path = route_path(scope) if scope.get("root_path") else scope["path"]
            endpoint = endpoints.get(path)
        return (endpoint or rest)(scope, receive, send)

    return dispatch
