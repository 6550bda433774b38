import json
import re
from typing import Any

import numpy as np
from starlette.testclient import TestClient

from minibento.asgi.openapi import openapi
from minibento.asgi.service import service
from minibento.services.api import api
from tests.asgi.services import Kitchen

DOCUMENT = openapi(Kitchen.declaration)


def references(node: Any) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"]} if "$ref" in node else set()
        return own.union(*map(references, node.values()))
    return set().union(*map(references, node)) if isinstance(node, list) else set()


def test_every_method_is_described_by_its_hints_and_docstring() -> None:
    assert set(DOCUMENT["paths"]) == {method.path for method in Kitchen.declaration.methods}
    classify = DOCUMENT["paths"]["/classify"]["post"]
    assert classify["summary"] == "Decide on one application."
    assert classify["description"] == "More about it."
    content = classify["requestBody"]["content"]["application/json"]
    assert content["schema"] == {"$ref": "#/components/schemas/Application"}
    assert content["example"] == {"income": 1200.5}
    application = DOCUMENT["components"]["schemas"]["Application"]
    assert application["required"] == ["income"]
    assert application["additionalProperties"] is False
    answer = classify["responses"]["200"]["content"]["application/json"]["schema"]
    assert answer == {"$ref": "#/components/schemas/Decision"}


def test_several_parameters_are_one_object() -> None:
    schema = DOCUMENT["paths"]["/add"]["post"]["requestBody"]["content"]["application/json"][
        "schema"
    ]
    schema = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    assert set(schema["properties"]) == {"a", "b"}
    assert schema["required"] == ["a"]


def test_a_string_may_be_sent_as_plain_text_and_nothing_needs_no_body() -> None:
    shout = DOCUMENT["paths"]["/shout"]["post"]["requestBody"]
    assert set(shout["content"]) == {"application/json", "text/plain"}
    assert shout["required"] is True
    assert DOCUMENT["paths"]["/maybe"]["post"]["requestBody"]["required"] is False
    assert "requestBody" not in DOCUMENT["paths"]["/nothing"]["post"]


def test_arrays_are_described_as_json_and_as_files_bytes_as_they_are() -> None:
    doubled = DOCUMENT["paths"]["/doubled"]["post"]
    for content in [doubled["requestBody"]["content"], doubled["responses"]["200"]["content"]]:
        assert list(content) == ["application/json", "application/x-npy"]
        assert content["application/json"]["schema"]["type"] == "array"
        assert content["application/x-npy"]["schema"]["format"] == "binary"
    assert "float32 of shape (None, 2)" in str(doubled["requestBody"])
    reverse = DOCUMENT["paths"]["/reverse"]["post"]
    octets = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
    assert reverse["requestBody"]["content"] == octets
    assert reverse["responses"]["200"]["content"] == octets


def test_an_example_is_shown_only_where_it_can_be_read() -> None:
    class Scaling:
        @api(example=np.array([1, 2]))
        def scale(self, x: np.ndarray) -> None: ...

        @api(example=b"\xff")
        def cut(self, data: bytes) -> None: ...

    paths = openapi(service(name="Scaling")(Scaling).declaration)["paths"]
    content = paths["/scale"]["post"]["requestBody"]["content"]
    assert content["application/json"]["example"] == [1, 2]
    assert "example" not in content["application/x-npy"]
    assert "example" not in str(paths["/cut"]["post"]["requestBody"])


def test_errors_are_described_as_problems_with_the_users_own() -> None:
    responses = DOCUMENT["paths"]["/classify"]["post"]["responses"]
    assert {"400", "409", "413", "415", "422", "500", "503", "504"} <= set(responses)
    assert responses["409"]["description"] == "Decided before."
    assert list(responses["422"]["content"]) == ["application/problem+json"]


def test_every_reference_leads_somewhere_and_ids_are_unique() -> None:
    for reference in references(DOCUMENT):
        name = re.fullmatch(r"#/components/schemas/(.+)", reference)
        assert name is not None
        assert name[1] in DOCUMENT["components"]["schemas"]
    ids = [entry["post"]["operationId"] for entry in DOCUMENT["paths"].values()]
    assert len(ids) == len(set(ids))


def test_the_page_serves_the_same_document() -> None:
    with TestClient(Kitchen.replace()) as http:
        response = http.get("/openapi.json")
    assert response.headers["content-type"] == "application/json"
    assert response.json() == json.loads(json.dumps(DOCUMENT))
