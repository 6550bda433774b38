"""A service as other processes need to know it: its runners and the exact versions of its models.

Runs where the service is imported; what it gives is plain data.
"""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from minibento.errors import DeclarationError
from minibento.runners.runner import Runner

if TYPE_CHECKING:
    from minibento.asgi.service import Service

__all__ = ["described"]


def described(service: "Service[Any]") -> dict[str, Any]:
    """Name, time-out and runners of a service; a runner without `source` can only be embedded."""
    declaration = service.declaration
    return {
        "service": service.name,
        "timeout": declaration.timeout,
        "runners": {
            name: _runner(runner)
            for name, runner in declaration.runners.items()
            if isinstance(runner, Runner)
        },
    }


def _runner(runner: Runner) -> dict[str, Any]:
    try:
        source, reason = runner.source.spec(), ""
    except DeclarationError as error:
        source, reason = None, str(error)
    return {
        "version": runner.version,
        "options": asdict(runner.options),
        "source": source,
        "only_embedded": reason,
    }
