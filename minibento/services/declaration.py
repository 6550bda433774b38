"""A service class read once, into plain data; knows no HTTP server and makes no instance.

Everything that can be wrong with a declaration is found here, when the module is imported.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from minibento.errors import DeclarationError
from minibento.services.api import options_of
from minibento.services.hooks import HookKind, hook_of
from minibento.services.method import Method, read_method

__all__ = ["DEFAULT_TIMEOUT", "RESERVED", "Declaration", "Runs", "check_timeout"]

# Seconds until an answer is due where nobody says anything else.
DEFAULT_TIMEOUT = 60.0

RESERVED = frozenset({"", "livez", "readyz", "healthz", "metrics", "openapi.json", "docs"})


@runtime_checkable
class Runs(Protocol):
    """What a service starts and stops: a runner."""

    name: str
    ready: bool
    version: str

    async def start(self, metrics: Any = None) -> None:
        """Begin to take calls."""
        ...

    async def stop(self) -> None:
        """End after the calls under way."""
        ...


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a service class says.

    Attributes:
        cls: The class as written.
        name: Of the service.
        methods: Its endpoints, in the order of the class body.
        runners: Its runners by class attribute.
        hooks: Names of the marked methods, in order.
        timeout: Seconds for a method that says nothing else.
        middleware: Starlette Middleware objects, the first outermost.
        mounts: ASGI apps by path.
    """

    cls: type
    name: str
    methods: tuple[Method, ...]
    runners: Mapping[str, Runs]
    hooks: Mapping[HookKind, tuple[str, ...]]
    timeout: float
    middleware: tuple[Any, ...]
    mounts: Mapping[str, Any]

    @classmethod
    def read(
        cls,
        service: type,
        name: str | None = None,
        timeout: float = DEFAULT_TIMEOUT,
        middleware: Sequence[Any] = (),
        mounts: Mapping[str, Any] | None = None,
    ) -> "Declaration":
        """Read a class.

        Raises:
            DeclarationError: it cannot work as written; the message has the place and the mend.
        """
        if not isinstance(service, type):
            raise DeclarationError(
                f"@minibento.service decorates a class, got {service!r}: put the function into a "
                "class as a method marked @minibento.api"
            )
        check_timeout(timeout, service.__qualname__)
        members = dict(_members(service))
        methods = tuple(_methods(service, members, timeout))
        if not methods:
            raise DeclarationError(
                f"{service.__qualname__} has no endpoint: mark a method with @minibento.api"
            )
        declared = cls(
            cls=service,
            name=name or service.__name__,
            methods=methods,
            runners={n: m for n, m in members.items() if isinstance(m, Runs) and not _is_class(m)},
            hooks=_hooks(service, members),
            timeout=float(timeout),
            middleware=tuple(middleware),
            mounts=dict(mounts or {}),
        )
        _check_middleware(declared)
        _check_paths(declared)
        return declared


def check_timeout(timeout: object, where: str) -> None:
    """Raise DeclarationError unless `timeout` is a positive number of seconds."""
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not 0 < timeout < 1e9:
        raise DeclarationError(
            f"{where}: timeout is a positive number of seconds such as 5.0, got {timeout!r}"
        )


def _members(service: type) -> Iterator[tuple[str, Any]]:
    """Attributes in the order written, those of base classes first, the nearest definition wins."""
    seen: dict[str, Any] = {}
    for base in reversed(service.__mro__[:-1]):
        seen.update(vars(base))
    yield from seen.items()


def _is_class(value: object) -> bool:
    return isinstance(value, type)


def _methods(service: type, members: Mapping[str, Any], timeout: float) -> Iterator[Method]:
    for name, member in members.items():
        function = getattr(member, "__func__", member)
        options = options_of(function)
        if options is None:
            continue
        where = f"{service.__qualname__}.{name}"
        if function is not member:
            raise DeclarationError(
                f"{where}: an endpoint is a plain method, not a static or class one"
            )
        if options.timeout is not None:
            check_timeout(options.timeout, where)
        yield read_method(service, name, function, options, timeout)


def _hooks(service: type, members: Mapping[str, Any]) -> dict[HookKind, tuple[str, ...]]:
    found: dict[HookKind, tuple[str, ...]] = {"on_startup": (), "on_shutdown": (), "ready": ()}
    for name, member in members.items():
        kind = hook_of(member)
        if kind is None:
            continue
        if len(inspect.signature(member).parameters) != 1:
            raise DeclarationError(
                f"{service.__qualname__}.{name}: @minibento.{kind} calls it with self only"
            )
        found[kind] += (name,)
    if len(found["ready"]) > 1:
        raise DeclarationError(
            f"{service.__qualname__} has two @minibento.ready methods, "
            f"{' and '.join(found['ready'])}: make one that asks both"
        )
    return found


def _check_middleware(declared: Declaration) -> None:
    for entry in declared.middleware:
        if not hasattr(entry, "cls") or not hasattr(entry, "kwargs"):
            raise DeclarationError(
                f"{declared.name}: middleware are starlette.middleware.Middleware objects, "
                f"got {entry!r}: write Middleware({getattr(entry, '__name__', 'Kind')}, ...)"
            )


def _check_paths(declared: Declaration) -> None:
    taken: dict[str, str] = {}
    places: list[tuple[str, str, Callable[..., Any] | None]] = [
        (method.path, f"{declared.cls.__qualname__}.{method.name}", None)
        for method in declared.methods
    ]
    places += [(path, f"the mount {path!r}", app) for path, app in declared.mounts.items()]
    for path, where, app in places:
        if not path.startswith("/") or path.endswith("/") or set(path) & set("{}?#% \t\r\n\\"):
            raise DeclarationError(
                f"{where}: {path!r} is not a path: write '/name', without parameters or end slash"
            )
        if path[1:].split("/")[0] in RESERVED:
            raise DeclarationError(
                f"{where}: {path!r} is reserved for minibento's own "
                f"{', '.join(sorted(filter(None, RESERVED)))}: "
                "rename it or give @minibento.api(path=...)"
            )
        if path in taken:
            raise DeclarationError(f"{where} and {taken[path]} have the same path {path!r}")
        if app is not None and not callable(app):
            raise DeclarationError(f"{where}: an ASGI app is expected, got {app!r}")
        taken[path] = where
