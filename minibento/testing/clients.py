"""A service in this process, asked through an HTTP client, without any port."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from minibento.asgi.service import Service
from minibento.errors import UsageError
from minibento.importing import optional
from minibento.runners.runner import Runner

if TYPE_CHECKING:
    import httpx2

__all__ = ["client"]


@contextmanager
def client(service: "Service[Any] | type[Any]", **replacements: Any) -> "Iterator[httpx2.Client]":
    """Run a service in this process and give an `httpx2.Client` whose requests it answers.

    Everything is as when it is served, start-up hooks, validation, batching and answers included;
    only the socket is missing. The client may be used by several threads at once.

        with minibento.testing.client(CreditRisk, model=FakeModel()) as http:
            answer = http.post("/classify", json={"income": 1200})

    Args:
        service: What `@minibento.service` made. (Type checkers take it for the class.)
        **replacements: Other objects for class attributes, by name. A `minibento.Runner` takes the
            place of a runner as it is. Any other object becomes the model of an embedded runner:
            give it the methods that the service calls. They get what the model's get, a batch
            (a list, an array or a frame of several items) where the replaced method is batchable,
            and return one result per item. Methods that it marks with `@minibento.method` are
            called as marked; where the replaced runner's methods are not known because its model
            is a placeholder, each unmarked one gets a list of items.

    Raises:
        UsageError: `service` is none, or has no such attribute, or what takes a runner's place has
            none of its methods.
        MissingLibrary: httpx2 is not installed.
        Exception: whatever its start raises.
    """
    if not isinstance(service, Service):
        raise UsageError(f"testing.client takes a service, got {service!r}: pass CreditRisk itself")
    stand_ins = {name: _stand_in(service, name, value) for name, value in replacements.items()}
    with _started(service.replace(**stand_ins)) as http:
        yield http


@contextmanager
def _started(service: Service[Any]) -> "Iterator[httpx2.Client]":
    optional("httpx2", purpose="minibento.testing.client")
    from anyio.from_thread import start_blocking_portal
    from starlette.testclient import TestClient  # imports httpx2

    # Not started by the client, which would hide what the start raises.
    with start_blocking_portal() as portal:
        portal.call(service.start)
        try:
            http = TestClient(service, raise_server_exceptions=False, follow_redirects=False)
            http.portal = portal
            with closing(http):
                yield http
        finally:
            portal.call(service.stop)


def _stand_in(service: Service[Any], name: str, value: Any) -> Any:
    replaced = getattr(service.cls, name, None)
    if isinstance(replaced, Runner) and not isinstance(value, Runner):
        return replaced.replaced_by(value)
    return value
