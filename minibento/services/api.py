"""The mark that makes a method an endpoint; knows no HTTP."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, overload

from minibento.errors import DeclarationError

__all__ = ["ApiOptions", "api", "options_of"]

Method = TypeVar("Method", bound=Callable[..., Any])
_MARK = "__minibento_api__"


@dataclass(frozen=True, slots=True)
class ApiOptions:
    """What `@api(...)` was given."""

    path: str | None = None
    timeout: float | None = None
    example: Any = None
    errors: Mapping[int, str] = field(default_factory=dict)


@overload
def api(method: Method, /) -> Method: ...
@overload
def api(
    *,
    path: str | None = None,
    timeout: float | None = None,
    example: Any = None,
    errors: Mapping[int, str] | None = None,
) -> Callable[[Method], Method]: ...
def api(
    method: Method | None = None,
    /,
    *,
    path: str | None = None,
    timeout: float | None = None,
    example: Any = None,
    errors: Mapping[int, str] | None = None,
) -> Method | Callable[[Method], Method]:
    """Make a method of a service class answer `POST /<its name>`.

    Args:
        method: The method, when used without parentheses. One parameter (a Context not counted):
            the body is its value; several: an object with one key each.
        path: Instead of `/<name>`.
        timeout: Seconds until the answer is due; otherwise the service's.
        example: A body shown in `/docs` and in `/openapi.json`.
        errors: Statuses that the method may answer by itself and what they mean, for the docs:
            `{409: "the application was decided before"}`.

    Raises:
        DeclarationError: used on something that is not a function.
    """
    options = ApiOptions(path, timeout, example, dict(errors or {}))

    def mark(function: Method) -> Method:
        if not callable(function) or isinstance(function, type):
            raise DeclarationError(f"@minibento.api marks a method, got {function!r}")
        setattr(function, _MARK, options)
        return function

    return mark if method is None else mark(method)


def options_of(function: object) -> ApiOptions | None:
    """What a function was marked with; None if it was not."""
    found = getattr(function, _MARK, None)
    return found if isinstance(found, ApiOptions) else None
