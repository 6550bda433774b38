"""The path of a request as a service's routes name it, wherever the service is mounted."""

from starlette.types import Scope

__all__ = ["route_path"]


def route_path(scope: Scope) -> str:
    """The path below `root_path`; all of it where it does not lie there."""
    path: str = scope["path"]
    below = path.removeprefix(scope.get("root_path", ""))
    return below if not below or below.startswith("/") else path
