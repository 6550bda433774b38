"""Our own pages of a service: description, docs, the way there; knows Starlette's routes."""

from importlib.resources import files

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from minibento.asgi.openapi import openapi
from minibento.services.declaration import Declaration

__all__ = ["page_routes"]

# Read once, with the code: what is installed may be another version, or gone, when a process that
# was forked from this one needs it.
_DOCS = files("minibento.asgi").joinpath("docs_page.html").read_text("utf-8")
# Nothing from outside, nowhere to send anything but this server; styles and script are the page's.
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_SAFE = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}


def page_routes(declaration: Declaration) -> list[Route]:
    """`/openapi.json`, `/docs`, and `/` that leads there."""

    async def description(request: Request) -> Response:
        return JSONResponse(openapi(declaration, request.scope.get("root_path", "")))

    async def docs(_: Request) -> Response:
        return Response(_DOCS, media_type="text/html", headers=_SAFE)

    async def root(request: Request) -> Response:
        return RedirectResponse(request.scope.get("root_path", "") + "/docs", 307)

    return [
        Route("/openapi.json", description),
        Route("/docs", docs),
        Route("/", root),
    ]
