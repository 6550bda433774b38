"""The marks for methods that run around serving: at start, at stop, at each readiness probe."""

from collections.abc import Callable
from typing import Any, Literal, TypeVar

from minibento.errors import DeclarationError

__all__ = ["HookKind", "hook_of", "on_shutdown", "on_startup", "ready"]

Method = TypeVar("Method", bound=Callable[..., Any])
HookKind = Literal["on_startup", "on_shutdown", "ready"]
_MARK = "__minibento_hook__"


def on_startup(method: Method) -> Method:
    """Run the method once per API worker before it is ready; several run in order."""
    return _mark(method, "on_startup")


def on_shutdown(method: Method) -> Method:
    """Run the method once per API worker when it stops; several run in reverse order."""
    return _mark(method, "on_shutdown")


def ready(method: Method) -> Method:
    """Ask the method whether the service is ready: `/readyz` answers 503 unless it returns True.

    It has one second; raising, taking longer or returning anything but True or False is not ready.
    """
    return _mark(method, "ready")


def hook_of(function: object) -> HookKind | None:
    """How a function is marked; None if it is not."""
    found: HookKind | None = getattr(function, _MARK, None)
    return found


def _mark(method: Method, kind: HookKind) -> Method:
    if not callable(method) or isinstance(method, type):
        raise DeclarationError(
            f"@minibento.{kind} marks a method and takes no arguments, got {method!r}"
        )
    setattr(method, _MARK, kind)
    return method
