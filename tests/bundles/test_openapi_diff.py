import copy
from typing import Any

import pytest
from pydantic import BaseModel, Field

import minibento
from minibento.asgi.openapi import openapi
from minibento.asgi.service import service
from minibento.bundles.openapi_diff import Change, changes


class Application(BaseModel):
    age: int = Field(ge=18)
    home: str | None = None


class Decision(BaseModel):
    status: str
    risk: float


class Risk:
    @minibento.api
    async def classify(self, application: Application) -> Decision:
        return Decision(status="x", risk=application.age)


def document() -> dict[str, Any]:
    return copy.deepcopy(openapi(service(name="Risk")(Risk).declaration))


def difference(**parts: Any) -> list[tuple[str, str, bool]]:
    """What changes when a part of one schema does: `Application={...}`."""
    old, new = document(), document()
    for name, change in parts.items():
        change(new["components"]["schemas"][name])
    return [(one.where.rpartition(", ")[2], one.what, one.breaking) for one in changes(old, new)]


def test_a_document_does_not_differ_from_itself() -> None:
    assert changes(document(), document()) == []


def test_a_method_that_is_gone_breaks_and_a_new_one_does_not() -> None:
    old, new = document(), document()
    new["paths"]["/other"] = new["paths"].pop("/classify")
    assert changes(old, new) == [
        Change("POST /classify", "is gone", True),
        Change("POST /other", "is new", False),
    ]


def test_a_new_required_field_of_a_request_breaks_and_an_optional_one_does_not() -> None:
    def add(schema: dict[str, Any]) -> None:
        schema["properties"]["job"] = {"type": "string"}
        schema["properties"]["note"] = {"type": "string"}
        schema["required"].append("job")

    assert difference(Application=add) == [
        ("job", "is new and required", True),
        ("note", "is new", False),
    ]


def test_a_field_of_an_answer_that_is_gone_breaks_and_a_new_one_does_not() -> None:
    def change(schema: dict[str, Any]) -> None:
        schema["properties"]["why"] = schema["properties"].pop("risk")

    assert difference(Decision=change) == [("risk", "is gone", True), ("why", "is new", False)]


@pytest.mark.parametrize(
    ("name", "value", "said", "breaking"),
    [
        ("minimum", 21, "minimum is 21, was 18", True),
        ("minimum", 16, "minimum is 16, was 18", False),
        ("minimum", None, "minimum is gone, was 18", False),
        ("maximum", 99, "maximum is 99", True),
    ],
)
def test_a_request_may_accept_more_but_not_less(
    name: str, value: int | None, said: str, breaking: bool
) -> None:
    def change(schema: dict[str, Any]) -> None:
        age = schema["properties"]["age"]
        age.pop(name, None)
        if value is not None:
            age[name] = value

    assert difference(Application=change) == [("age", said, breaking)]


def test_a_type_that_a_request_no_longer_takes_breaks() -> None:
    def change(schema: dict[str, Any]) -> None:
        schema["properties"]["home"] = {"type": "string"}

    assert ("home", "no longer null", True) in difference(Application=change)


def test_a_type_that_an_answer_takes_beside_breaks() -> None:
    def change(schema: dict[str, Any]) -> None:
        schema["properties"]["status"] = {"anyOf": [{"type": "string"}, {"type": "null"}]}

    assert difference(Decision=change) == [("status", "now also null", True)]


def test_a_field_that_a_request_must_have_from_now_on_breaks() -> None:
    def change(schema: dict[str, Any]) -> None:
        schema["required"].append("home")

    assert difference(Application=change) == [("home", "is required now", True)]


def test_schemas_that_name_themselves_come_to_an_end() -> None:
    old, new = document(), document()
    for one, kind in ((old, "string"), (new, "integer")):
        schema = one["components"]["schemas"]["Decision"]
        schema["properties"]["child"] = {"$ref": "#/components/schemas/Decision"}
        schema["properties"]["status"] = {"type": kind}
    assert any(one.breaking for one in changes(old, new))
