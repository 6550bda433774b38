"""The service at a place, imported; knows no server."""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from minibento.errors import TargetError
from minibento.processes.place import Place, module_file
from minibento.processes.user_module import import_from

if TYPE_CHECKING:
    from minibento.asgi.service import Service

__all__ = ["service_at"]


def service_at(place: Place) -> "Service[Any]":
    """Import the module and give its service.

    Raises:
        TargetError: there is no such module or service, or several; or the module raised.
    """
    module = import_from(place.folder, place.module)
    services = dict(_services(vars(module)))
    if place.attribute is None:
        return _only(services, place)
    if place.attribute in services:
        return services[place.attribute]
    raise TargetError(_no_service(place, place.attribute, vars(module), services))


def _services(names: dict[str, object]) -> "Iterator[tuple[str, Service[Any]]]":
    from minibento.asgi.service import Service  # not before the user's own code needs it

    for name, value in names.items():
        if isinstance(value, Service):
            yield name, value


def _only(services: "dict[str, Service[Any]]", at: Place) -> "Service[Any]":
    distinct = {id(service): service for service in services.values()}
    if len(distinct) == 1:
        return next(iter(distinct.values()))
    if not distinct:
        raise TargetError(
            f"{module_file(at)} has no service: decorate a class with @minibento.service"
        )
    spellings = ", ".join(f"{at.module}:{name}" for name in services)
    raise TargetError(f"{module_file(at)} has {len(distinct)} services, name one: {spellings}")


def _no_service(
    at: Place, attribute: str, names: dict[str, object], services: "dict[str, Service[Any]]"
) -> str:
    where = module_file(at)
    if attribute in names:
        kind = type(names[attribute]).__name__
        said = f"{at.module}:{attribute} is a {kind}, not a service"
        said = f"{at.module}:{attribute} is a class" if kind == "type" else said
        mend = "decorate it with @minibento.service" if kind == "type" else "name a service"
    else:
        said, mend = f"{where} has no {attribute!r}", "decorate a class with @minibento.service"
    if not services:
        return f"{said}: {mend}"
    near = get_close_matches(attribute, services, n=1, cutoff=0.5)
    if near:
        return f"{said}: did you mean {at.module}:{near[0]}?"
    return f"{said}: its services are {', '.join(services)}"
