"""The decorated class: an object that any ASGI server can serve; knows no processes."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar, overload

from starlette.types import ASGIApp, Receive, Scope, Send

from minibento.asgi.collector import keep_what_is_loaded
from minibento.asgi.compile import compiled
from minibento.asgi.lifecycle import Lifecycle, check_loop
from minibento.asgi.serving import Serving
from minibento.errors import DeclarationError, UsageError
from minibento.metrics import Metrics
from minibento.own_loop import OwnLoop
from minibento.services.declaration import Declaration

__all__ = ["Service", "service"]

T = TypeVar("T")


class Service(Generic[T]):
    """A declared service: an ASGI app for `uvicorn service:CreditRisk` or `app.mount(...)`.

    Attributes:
        cls: The class as written.
        name: Of the service.
        declaration: What was read off the class.
        serving: What the server that runs it decides; taken up at the next start.
    """

    def __init__(
        self,
        cls: type[T],
        declaration: Declaration,
        *,
        replacements: Mapping[str, Any] | None = None,
        serving: Serving | None = None,
    ) -> None:
        self.cls = cls
        self.name = declaration.name
        self.declaration = declaration
        self.serving = serving or Serving()
        self._replacements = dict(replacements or {})
        self._lifecycle: Lifecycle | None = None
        self._app: ASGIApp | None = None
        self._own: OwnLoop | None = None
        self._starting: asyncio.Future[None] | None = None
        self.__doc__ = cls.__doc__

    def __repr__(self) -> str:
        return f"<minibento.Service {self.name}>"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one ASGI scope."""
        if self._app is None or self._own is None or not self._own.is_here():
            if scope["type"] == "lifespan":
                await self._lifespan(receive, send)
                return
            await self.start()
            assert self._app is not None
        await self._app(scope, receive, send)

    def __mro_entries__(self, _bases: tuple[Any, ...]) -> tuple[type, ...]:
        """Refuse to be a base class: what is wanted is the class as written."""
        raise DeclarationError(
            f"{self.name} is a service: derive from {self.name}.cls, and decorate the new class"
        )

    def instance(self) -> T:
        """A plain instance of the class, for tests; its runners run embedded, at first use."""
        return self.cls()

    def replace(self, **attributes: Any) -> "Service[T]":
        """The same service with other objects for some of its class attributes, for tests.

        Raises:
            UsageError: the class has no such attribute.
        """
        for name in attributes:
            if not hasattr(self.cls, name):
                known = ", ".join(self.declaration.runners) or "none"
                raise UsageError(
                    f"{self.cls.__qualname__} has no attribute {name!r} to replace; "
                    f"its runners: {known}"
                )
        return Service(
            self.cls,
            self.declaration,
            replacements={**self._replacements, **attributes},
            serving=self.serving,
        )

    async def start(self) -> None:
        """Make the instance and start its runners and hooks on the running loop, once.

        Servers do it by the lifespan protocol; mounted in another app it happens at the first
        request, and requests that come meanwhile wait.

        Raises:
            UsageError: it runs on another loop of this process.
        """
        here = self._own is not None and self._own.is_here()
        if not here and self._lifecycle is not None:
            check_loop(self._lifecycle)
            self._lifecycle.abandon()
            self._lifecycle = self._app = self._starting = None
        if self._app is not None:
            return
        if self._starting is None or not here:
            self._own = OwnLoop()
            self._starting = asyncio.ensure_future(self._start())
        # Shielded: a client that leaves must not take the start along.
        await asyncio.shield(self._starting)

    def leave(self) -> None:
        """Answer the readiness probe with 503 from now on: the server is about to stop."""
        if self._lifecycle is not None:
            self._lifecycle.started = False

    @property
    def metrics(self) -> Metrics | None:
        """What it has counted since its start; None: it is not started."""
        return None if self._lifecycle is None else self._lifecycle.metrics

    async def stop(self) -> None:
        """Run the shutdown hooks and stop the runners."""
        lifecycle, self._lifecycle = self._lifecycle, None
        self._app = self._own = self._starting = None
        if lifecycle is not None:
            await lifecycle.stop()

    async def _start(self) -> None:
        lifecycle = Lifecycle(self.declaration, self._replacements)
        try:
            await lifecycle.start()
            self._app = compiled(lifecycle, self.serving)
        except BaseException:
            self._starting = None  # the next request tries again
            raise
        self._lifecycle = lifecycle

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await self.start()
        except Exception as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            raise
        keep_what_is_loaded()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.stop()
        await send({"type": "lifespan.shutdown.complete"})


# Calling it like the class is the likely mistake. `__call__` has to be a plain async function for
# servers to know it as an ASGI app, so the mend goes where Python's own TypeError shows it:
# `A service is ... missing 3 required positional arguments`.
Service.__call__.__qualname__ = (
    "A service is an ASGI app; for an object of the class write CreditRisk.instance(), "
    "for the class CreditRisk.cls: __call__"
)


@overload
def service(cls: type[T], /) -> Service[T]: ...
@overload
def service(
    *,
    name: str | None = None,
    timeout: float = 60.0,
    middleware: Sequence[Any] = (),
    mounts: Mapping[str, ASGIApp] | None = None,
) -> Callable[[type[T]], Service[T]]: ...
def service(
    cls: type[T] | None = None,
    /,
    *,
    name: str | None = None,
    timeout: float = 60.0,
    middleware: Sequence[Any] = (),
    mounts: Mapping[str, ASGIApp] | None = None,
) -> Service[T] | Callable[[type[T]], Service[T]]:
    """Make a class a service: each of its methods marked `@minibento.api` answers `POST /<name>`.

    Args:
        cls: The class, when used without parentheses.
        name: Of the service; else the class's.
        timeout: Seconds until a method's answer is due, where the method says nothing else.
        middleware: Starlette Middleware objects around everything, the first outermost.
        mounts: Other ASGI apps by path: `{"/apply": StaticFiles(directory="site", html=True)}`.

    Raises:
        DeclarationError: the class cannot be served as written.
    """

    def decorate(cls: type[T]) -> Service[T]:
        return Service(cls, Declaration.read(cls, name, timeout, middleware, mounts))

    return decorate if cls is None else decorate(cls)
