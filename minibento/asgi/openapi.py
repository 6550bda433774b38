"""The service described as OpenAPI 3.1: paths, schemas, examples, errors; knows no HTTP server."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from pydantic import TypeAdapter
from pydantic_core import to_jsonable_python

from minibento.asgi.problem import MEDIA_TYPE
from minibento.io import free_json
from minibento.io.base import Codec
from minibento.services.declaration import Declaration
from minibento.services.method import Method

__all__ = ["openapi"]

Document = dict[str, Any]

_TEMPLATE = "#/components/schemas/{model}"
# With a dot, so that no class of the user's has the same name.
_PROBLEM_NAME = "minibento.Problem"
_ALWAYS = {
    400: "The body is not what its Content-Type says, or a header is malformed.",
    408: "The body did not arrive before the deadline.",
    413: "The body is too large.",
    415: "The body's Content-Type or Content-Encoding is not accepted.",
    422: "The body can be read, but is not what the method takes; `errors` names each place.",
    500: "The service failed; its log has the reason under `request_id`.",
    503: "Too many requests wait, or a model is not ready: try again after Retry-After seconds.",
    504: "No answer within the deadline.",
}
_PROBLEM: Document = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457 problem details.",
    "required": ["type", "title", "status", "detail", "request_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong and what to do about it."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "expected"],
                "properties": {
                    "field": {"type": "string", "description": "Dotted path; empty: the body."},
                    "expected": {"type": "string"},
                    "got": {"type": "string", "description": "What came, shortened."},
                },
            },
        },
        "request_id": {"type": "string"},
    },
}
_HEADERS = [
    {
        "name": "Minibento-Timeout",
        "in": "header",
        "required": False,
        "description": "Seconds until the answer is due, if that is sooner than the method's own.",
        "schema": {"type": "number", "minimum": 0, "maximum": 999999},
        "example": 0.2,
    },
    {
        "name": "X-Request-Id",
        "in": "header",
        "required": False,
        "description": "Answered and logged instead of an id made here, if it is 1 to 128 of "
        "A-Z a-z 0-9 . _ -",
        "schema": {"type": "string"},
    },
]


def openapi(declaration: Declaration, prefix: str = "") -> Document:
    """The document; `prefix` is the path that the service is mounted at."""
    schemas, definitions = _schemas(declaration)
    paths = {
        method.path: {"post": _operation(method, schemas, declaration.name)}
        for method in declaration.methods
    }
    document: Document = {
        "openapi": "3.1.0",
        "info": {
            "title": declaration.name,
            "version": "1",
            "description": _own_doc(declaration.cls),
        },
        "paths": paths,
        "components": {"schemas": {**definitions, _PROBLEM_NAME: _PROBLEM}},
    }
    if prefix:
        document["servers"] = [{"url": prefix}]
    return document


def _own_doc(cls: type) -> str:
    # inspect.getdoc would give object's own to a class without one.
    return "\n".join(line.strip() for line in (cls.__doc__ or "").strip().splitlines())


def _schemas(declaration: Declaration) -> tuple[dict[tuple[str, Any], Document], Document]:
    """The schema of each body and answer, and those that they share."""
    inputs: list[tuple[str, Any, TypeAdapter[Any]]] = []
    for method in declaration.methods:
        if method.body is not None:
            inputs.append((method.name, "validation", method.body.adapter))
        inputs.append((method.name, "serialization", method.answer.adapter))
    found, shared = TypeAdapter.json_schemas(inputs, ref_template=_TEMPLATE)
    return dict(found), shared.get("$defs", {})


def _operation(method: Method, schemas: dict[tuple[str, Any], Document], service: str) -> Document:
    title, _, rest = method.text.partition("\n")
    operation: Document = {
        "operationId": method.name,
        "summary": title or method.name,
        "tags": [service],
        "parameters": _HEADERS,
        "responses": {
            "200": {
                "description": "The answer.",
                "headers": {"X-Request-Id": {"schema": {"type": "string"}}},
                "content": _content(
                    method.answer,
                    [method.answer.media_type, *method.answer.others],
                    schemas[method.name, "serialization"],
                ),
            },
            **_errors(method),
        },
    }
    if rest.strip():
        operation["description"] = rest.strip()
    if method.body is not None:
        operation["requestBody"] = _body(method, schemas[method.name, "validation"])
    return operation


def _body(method: Method, schema: Document) -> Document:
    assert method.body is not None
    content = _content(method.body, method.body.decoders, schema)
    readable = content.keys() - method.body.described
    if method.options.example is not None and readable:
        example = to_jsonable_python(method.options.example, fallback=free_json.plain)
        for media_type in readable:
            content[media_type]["example"] = example
    return {"required": not method.optional, "content": content}


def _content(codec: Codec, media_types: Iterable[str], schema: Document) -> Document:
    """The schema of each media type that a value travels as."""
    return {name: {"schema": codec.described.get(name, schema)} for name in media_types}


def _errors(method: Method) -> Document:
    texts = {**_ALWAYS, **method.options.errors}
    content = {MEDIA_TYPE: {"schema": {"$ref": _TEMPLATE.format(model=_PROBLEM_NAME)}}}
    answers: Document = {}
    for status, text in sorted(texts.items()):
        answers[str(status)] = {
            "description": text or HTTPStatus(status).phrase,
            "content": content,
        }
    retry = {"Retry-After": {"schema": {"type": "integer", "minimum": 1}}}
    answers["503"]["headers"] = retry
    return answers
