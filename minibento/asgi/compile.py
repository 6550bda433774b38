"""From a started service to its ASGI app: the whole composition, in one place."""

from collections.abc import Awaitable
from typing import Any

from starlette._utils import get_route_path
from starlette.routing import BaseRoute, Mount, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from minibento.asgi.endpoint import Endpoint
from minibento.asgi.invoke import invoker
from minibento.asgi.lifecycle import Lifecycle
from minibento.asgi.meter import Meter
from minibento.asgi.request_ids import maker

__all__ = ["compiled"]


def compiled(lifecycle: Lifecycle, *, access_log: bool) -> ASGIApp:
    """The app of a service: its methods by exact path, then our pages and the mounts."""
    declaration = lifecycle.declaration
    request_id = maker()
    endpoints: dict[str, ASGIApp] = {}
    for method in declaration.methods:
        invoke = invoker(method, lifecycle.instance, lifecycle.threads)
        meter = Meter(lifecycle.metrics, method.name, None)
        endpoints[method.path] = Endpoint(method, invoke, request_id, meter)
    routes: list[BaseRoute] = []
    routes += [Mount(path, app) for path, app in declaration.mounts.items()]
    app: ASGIApp = _by_path(endpoints, Router(routes))
    for entry in reversed(declaration.middleware):
        app = entry.cls(app, *entry.args, **entry.kwargs)
    return app


def _by_path(endpoints: dict[str, ASGIApp], rest: ASGIApp) -> ASGIApp:
    def dispatch(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        endpoint: Any = None
        if scope["type"] == "http":
            path = get_route_path(scope) if scope.get("root_path") else scope["path"]
            endpoint = endpoints.get(path)
        return (endpoint or rest)(scope, receive, send)

    return dispatch
