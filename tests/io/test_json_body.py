import dataclasses
import enum
import json
import math
import tracemalloc
from datetime import date
from typing import Any

import numpy as np
import pytest
from pydantic import AliasPath, BaseModel, ConfigDict, Field, model_validator
from typing_extensions import TypedDict

from minibento.io.base import BadAnswer, Refused
from minibento.io.json_body import JsonBody


class Inner(TypedDict):
    n: int


@dataclasses.dataclass
class Outer:
    x: float
    inner: Inner
    many: list[int] = dataclasses.field(default_factory=list)


class Loose(BaseModel):
    n: int


class Tight(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    n: int
    price: float | None = None


class Colour(enum.Enum):
    RED = "red"


def flaws(codec: JsonBody, body: bytes) -> list[tuple[str, str | None]]:
    with pytest.raises(Refused) as caught:
        codec.decode(body)
    assert caught.value.status == 422
    return [(flaw.field, flaw.got) for flaw in caught.value.flaws]


def test_a_models_own_configuration_decides_on_extras_and_coercion() -> None:
    assert JsonBody(Loose).decode(b'{"n": "1", "more": 2}') == Loose(n=1)
    assert flaws(JsonBody(Tight), b'{"n": "1", "more": 2}') == [("n", "'1'"), ("more", "2")]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"x": 1, "inner": {"n": "1"}}', "inner.n"),
        (b'{"x": 1, "inner": {"n": 1, "m": 1}}', "inner.m"),
        (b'{"x": 1, "inner": {"n": 1}, "y": 1}', "y"),
        (b'{"x": true, "inner": {"n": 1}}', "x"),
        (b'{"x": 1, "inner": {"n": true}}', "inner.n"),
        (b'{"x": 1, "inner": {"n": 1}, "many": [1, 2.5]}', "many.1"),
        (b'{"inner": {"n": 1}}', "x"),
    ],
)
def test_types_without_a_configuration_are_strict_at_any_depth(body: bytes, field: str) -> None:
    assert [place for place, _ in flaws(JsonBody(Outer), body)] == [field]


def test_an_integer_is_accepted_for_a_float() -> None:
    assert JsonBody(Outer).decode(b'{"x": 1, "inner": {"n": 1}}') == Outer(1.0, {"n": 1})
    assert JsonBody(float).decode(b"1") == 1.0


@pytest.mark.parametrize("hint", [Loose, Tight, Inner, dict[str, int], list[Tight], Outer, Any])
def test_a_key_that_comes_twice_is_refused_for_every_kind_of_hint(hint: Any) -> None:
    body = b'{"n": 1, "n": 1}'
    with pytest.raises(Refused) as caught:
        JsonBody(hint).decode(b"[" + body + b"]" if hint == list[Tight] else body)
    assert caught.value.status == 400


class Filling(BaseModel):
    n: int
    price: float = 0.0

    @model_validator(mode="after")
    def fill(self) -> "Filling":
        self.price = 5.0
        return self


class Following(BaseModel):
    n: int
    price: float = 0.0

    def model_post_init(self, _context: Any) -> None:
        self.price = 5.0


class Reaching(BaseModel):
    first: int = Field(validation_alias=AliasPath("n", 0))
    second: int = Field(validation_alias=AliasPath("n", 1))


@pytest.mark.parametrize("model", [Filling, Following, Reaching, list[Filling]])
def test_a_model_that_sets_fields_itself_cannot_hide_a_key_that_comes_twice(model: Any) -> None:
    body = b'{"n": [1, 2], "n": [3, 4]}' if model is Reaching else b'{"n": 1, "n": 2}'
    with pytest.raises(Refused, match="twice"):
        JsonBody(model).decode(body if isinstance(model, type) else b"[" + body + b"]")


def test_a_dataclass_with_defaults_cannot_hide_a_key_that_comes_twice() -> None:
    @dataclasses.dataclass
    class Two:
        a: int
        b: int = 0

    with pytest.raises(Refused, match="twice"):
        JsonBody(Two).decode(b'{"a": 1, "a": 2}')


def test_a_nan_is_no_json_whatever_the_hint_makes_of_it() -> None:
    for hint in (float, Tight, Any):
        with pytest.raises(Refused) as caught:
            JsonBody(hint).decode(b'{"n": NaN}')
        assert caught.value.status == 400


def test_a_huge_value_is_shortened_in_the_message() -> None:
    with pytest.raises(Refused) as caught:
        JsonBody(int).decode(b'"' + b"x" * 100_000 + b'"')
    assert len(str(caught.value)) < 300


def test_the_number_of_flaws_told_is_limited() -> None:
    with pytest.raises(Refused) as caught:
        JsonBody(list[int]).decode(b"[" + b",".join([b'"a"'] * 1000) + b"]")
    assert len(caught.value.flaws) == 50
    assert "and 997 more" in str(caught.value)


def test_of_a_great_many_flaws_only_the_number_is_told() -> None:
    with pytest.raises(Refused, match=r"20,000 places") as caught:
        JsonBody(list[int]).decode(b"[" + b",".join([b'"a"'] * 20_000) + b"]")
    assert caught.value.status == 422
    assert caught.value.flaws == ()


@pytest.mark.parametrize(
    ("hint", "value", "body"),
    [
        (Tight, Tight(n=1), b'{"n":1,"price":null}'),
        (Tight, {"n": 1, "price": np.float32(1.5)}, b'{"n":1,"price":1.5}'),
        (float, np.float64(0.5), b"0.5"),
        (float, np.float32(0.5), b"0.5"),
        (list[float], np.array([1.0, 2.0]), b"[1.0,2.0]"),
        (list[Tight], [{"n": 1}], b'[{"n":1,"price":null}]'),
        (Inner, {"n": np.int64(3)}, b'{"n":3}'),
        (Outer, Outer(np.float32(1.5), {"n": 1}), b'{"x":1.5,"inner":{"n":1},"many":[]}'),  # type: ignore[arg-type]  # what a model gives
        (Colour, Colour.RED, b'"red"'),
        (date, date(2026, 1, 2), b'"2026-01-02"'),
        (None, None, b"null"),
    ],
)
def test_an_answer_that_nearly_fits_its_hint_is_converted(
    hint: Any, value: Any, body: bytes
) -> None:
    assert JsonBody(hint).encode(value) == body


@pytest.mark.parametrize(
    ("hint", "value", "said"),
    [
        (Tight, {"n": "no"}, r"n: should be a valid integer.*, got 'no'"),
        (float, "a", r"it: should be a valid number.*, got 'a'"),
        (Inner, {}, "this field is required"),
        (int, None, "it: should be a valid integer, got null"),
        (list[int], ["a"] * 5, r"0: .*; 1: .*; 2: .*; and 2 more"),
        (list[int], ["a"] * 10_001, "10,001 places are wrong"),
    ],
)
def test_an_answer_that_does_not_fit_its_hint_is_an_error_of_the_service_in_one_line(
    hint: Any, value: Any, said: str
) -> None:
    with pytest.raises(BadAnswer, match=f"not what its hint says: .*{said}$") as refused:
        JsonBody(hint).encode(value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_typed_float_that_is_not_finite_is_named(number: float) -> None:
    with pytest.raises(BadAnswer, match="price is"):
        JsonBody(Tight).encode(Tight.model_construct(n=1, price=number))
    with pytest.raises(BadAnswer, match="1 is"):
        JsonBody(list[float]).encode([0.0, number])
    with pytest.raises(BadAnswer, match=r"a\.b is"):
        JsonBody(Any).encode({"a": {"b": number}})


def test_the_word_nan_in_an_answer_is_only_a_word() -> None:
    assert JsonBody(Any).encode({"a": "NaN", "b": None}) == b'{"a":"NaN","b":null}'


def test_a_bad_value_is_called_as_in_json() -> None:
    body = b'{"x": null, "inner": {"n": true}, "many": [[null]]}'
    assert flaws(JsonBody(Outer), body) == [
        ("x", "null"),
        ("inner.n", "true"),
        ("many.0", "[null]"),
    ]


class Thirteen(BaseModel):
    """Fields that are all missing from a body that is one long list."""

    a: int
    b: int
    c: int
    d: int
    e: int
    f: int
    g: int
    h: int
    i: int
    j: int
    k: int
    m: int
    n: list[int]


def peak_memory(body: bytes) -> int:
    """Bytes of Python memory that refusing a body takes at most."""
    codec = JsonBody(Thirteen)
    tracemalloc.start()
    try:
        with pytest.raises(Refused) as caught:
            codec.decode(body)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        assert caught.value.status == 422


def test_missing_fields_of_a_large_body_cost_no_copy_of_it_each() -> None:
    body = b'{"x": [' + b"0," * 500_000 + b"0]}"
    # One reading of the list takes 8 bytes for each of its numbers, each copy would too.
    assert peak_memory(body) < 3 * 8 * 500_000


def test_a_large_body_is_told_which_keys_are_wrong() -> None:
    body = b'{"x": [' + b"0," * 200_000 + b"0]}"
    with pytest.raises(Refused, match="a: this field is required") as caught:
        JsonBody(Thirteen).decode(body)
    assert len(caught.value.flaws) == 13


def test_a_large_body_with_the_right_keys_is_read_and_judged_as_a_small_one() -> None:
    fields = dict.fromkeys("abcdefghijkm", 1)
    large = JsonBody(Thirteen).decode(json.dumps({**fields, "n": [0] * 200_000}).encode())
    assert len(large.n) == 200_000
    with pytest.raises(Refused, match=r"n\.0: should be a valid integer"):
        JsonBody(Thirteen).decode(json.dumps({**fields, "n": ["x"] + [0] * 200_000}).encode())


def test_a_large_body_for_a_union_of_objects_is_read_by_the_one_that_fits() -> None:
    class Long(BaseModel):
        text: str

    body = json.dumps({"text": "x" * 300_000}).encode()
    assert isinstance(JsonBody(Thirteen | Long).decode(body), Long)


def test_a_large_body_that_is_no_json_is_malformed() -> None:
    with pytest.raises(Refused) as caught:
        JsonBody(Thirteen).decode(b'{"x": [' + b"0," * 200_000)
    assert caught.value.status == 400
