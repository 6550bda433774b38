"""One endpoint method read into plain data: its parameters, its codecs, its limits."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NotRequired, Required, get_type_hints

from pydantic import ConfigDict, with_config
from typing_extensions import TypedDict

from minibento.errors import DeclarationError
from minibento.io import table
from minibento.io.base import Codec
from minibento.services.api import ApiOptions
from minibento.services.context import Context

__all__ = ["Method", "read_method"]

_ALLOWED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


@dataclass(frozen=True, slots=True)
class Method:
    """An endpoint.

    Attributes:
        name: Of the method.
        path: That it answers, by POST.
        is_async: Declared with `async def`; others run in a thread.
        parameters: Names of those that come from the body, in order.
        context: Name of the parameter that gets the Context; None: none does.
        body: What reads the body; None: the method takes nothing from it.
        optional: The only parameter has a default, so the body may be empty.
        answer: What writes the answer.
        timeout: Seconds until the answer is due.
        options: What the mark was given.
        text: The docstring.
    """

    name: str
    path: str
    is_async: bool
    parameters: tuple[str, ...]
    context: str | None
    body: Codec | None
    optional: bool
    answer: Codec
    timeout: float
    options: ApiOptions
    text: str


def read_method(
    service: type, name: str, function: Callable[..., Any], options: ApiOptions, timeout: float
) -> Method:
    """Read one marked method of a service class.

    Raises:
        DeclarationError: it cannot be an endpoint as written.
    """
    where = f"{service.__qualname__}.{name}"
    if inspect.isasyncgenfunction(function) or inspect.isgeneratorfunction(function):
        raise DeclarationError(
            f"{where} is a generator: return a value, or Starlette's StreamingResponse"
        )
    hints = _hints(where, function)
    given = list(inspect.signature(function).parameters.values())
    if not given or given[0].kind not in _ALLOWED:
        raise DeclarationError(f"{where} takes no self: write def {name}(self, ...)")
    if given[0].name in hints and given[0].name != "self":
        raise DeclarationError(
            f"{where} takes {given[0].name!r} first and no self: write "
            f"def {name}(self, {given[0].name}, ...)"
        )
    fields, context = _parameters(where, given[1:], hints)
    codec = _body_codec(where, name, fields, hints)
    answer_hint = hints.get("return", Any)
    return Method(
        name=name,
        path=options.path if options.path is not None else f"/{name}",
        is_async=inspect.iscoroutinefunction(function),
        parameters=tuple(field.name for field in fields),
        context=context,
        body=codec,
        optional=bool(fields) and all(f.default is not f.empty for f in fields),
        answer=table.codec(Any if _is_response(answer_hint) else answer_hint, f"{where}: answer"),
        timeout=float(options.timeout if options.timeout is not None else timeout),
        options=options,
        text=inspect.getdoc(function) or "",
    )


def _hints(where: str, function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return get_type_hints(function, include_extras=True)
    except NameError as error:
        raise DeclarationError(
            f"{where}: the hint {error.name!r} is not known where the method is defined: "
            "import it at the top of the module, not under TYPE_CHECKING"
        ) from None


def _parameters(
    where: str, given: list[inspect.Parameter], hints: Mapping[str, Any]
) -> tuple[list[inspect.Parameter], str | None]:
    """Those that come from the body, and the name of the one that takes the Context."""
    fields: list[inspect.Parameter] = []
    context: str | None = None
    for parameter in given:
        if parameter.kind not in _ALLOWED:
            raise DeclarationError(
                f"{where}: {parameter} cannot come from a body: "
                "give each parameter a name of its own"
            )
        if parameter.name not in hints:
            raise DeclarationError(
                f"{where}: the parameter {parameter.name!r} has no hint: "
                f"write {parameter.name}: dict, or better a pydantic model"
            )
        if hints[parameter.name] is not Context:
            fields.append(parameter)
        elif context is None:
            context = parameter.name
        else:
            raise DeclarationError(f"{where} takes two Contexts, {context} and {parameter.name}")
    return fields, context


def _body_codec(
    where: str, name: str, fields: list[inspect.Parameter], hints: Mapping[str, Any]
) -> Codec | None:
    if not fields:
        return None
    if len(fields) == 1:
        field = fields[0].name
        return table.codec(hints[field], f"{where}: {field}")
    entries = {}
    for parameter in fields:
        table.codec(hints[parameter.name], f"{where}: {parameter.name}")  # names the bad one
        hint = table.resolved(hints[parameter.name])
        required = parameter.default is parameter.empty
        entries[parameter.name] = Required[hint] if required else NotRequired[hint]
    config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)
    body = with_config(config)(TypedDict(f"{name}_body", entries))  # type: ignore[operator]  # made at run time
    return table.codec(body, where)


def _is_response(hint: Any) -> bool:
    from starlette.responses import Response

    return isinstance(hint, type) and issubclass(hint, Response)
