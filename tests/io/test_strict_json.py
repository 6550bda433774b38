import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minibento.io.base import Refused
from minibento.io.json_body import JsonBody, json_value
from minibento.io.strict_json import MAX_DEPTH, NOTHING_KNOWN, check

ANY = JsonBody(Any)
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
)
VALUES = st.recursive(
    SCALARS | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def nested(depth: int, opening: str = "[", closing: str = "]") -> bytes:
    return (opening * depth + closing * depth).encode()


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"{", "line 1 column 1"),
        (b"[1,]", "line 1 column 4 (byte 3)"),
        (b'{"a": 1,\n "b": }', "line 2 column 7"),
        (b"// no\n1", "not JSON"),
        (b"\xef\xbb\xbf1", "byte order mark"),
        ('{"a": 1}'.encode("utf-16"), "UTF-8"),
        (b'"\xff"', "0xff at byte 1"),
        (b'{"a": "\xff"}', "UTF-8"),
        (b'"\\ud800"', "not JSON"),
        (b'{"a": 1, "a": 2}', "the key 'a' twice"),
        (b'[{"a": {"b": 1, "b": 1}}]', "the key 'b' twice"),
        (b'{"a": 1, "\\u0061": 2}', "the key 'a' twice"),
        (b"NaN", "NaN is not JSON"),
        (b'{"a": [-Infinity]}', "-Infinity is not JSON"),
        (b"1e999", "too large"),
        (b"-1E+400", "too large"),
        (b"1" + b"0" * 400, "too large"),
        (b"1" + b"0" * 5000, "not JSON"),
        (b"1 2", "not JSON"),
        (b"'a'", "not JSON"),
    ],
)
def test_what_is_no_strict_json_is_refused_with_its_place(body: bytes, says: str) -> None:
    with pytest.raises(Refused) as caught:
        ANY.decode(body)
    assert caught.value.status == 400
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'"NaN and Infinity: 1e999"', "NaN and Infinity: 1e999"),
        (b'{"a": "b:c:d"}', {"a": "b:c:d"}),
        (b"1e-400", 0.0),
        (b"-0", 0),
        (b"9223372036854775808", 2**63),
        (b"18446744073709551616", 2**64),
        (b"1e308", 1e308),
        (b'{"a": {"b": 1}, "c": {"b": 1}}', {"a": {"b": 1}, "c": {"b": 1}}),
        ('"é\u2028"'.encode(), "é\u2028"),
    ],
)
def test_what_only_looks_suspicious_is_read(body: bytes, value: object) -> None:
    assert ANY.decode(body) == value
    assert json_value(body) == value


@pytest.mark.parametrize("depth", [50, MAX_DEPTH])
@pytest.mark.parametrize("brackets", ["[]", "{}"])
def test_a_hundred_levels_are_accepted(depth: int, brackets: str) -> None:
    body = (
        nested(depth) if brackets == "[]" else b'{"a":' * (depth - 1) + b"{}" + b"}" * (depth - 1)
    )
    ANY.decode(body)


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 150, 1000, 250_000])
def test_more_levels_are_refused(depth: int) -> None:
    with pytest.raises(Refused) as caught:
        ANY.decode(nested(depth))
    assert caught.value.status == 400


def test_many_brackets_that_are_not_deep_are_accepted() -> None:
    body = json.dumps([[1], [{"a": "[[[" * 200 + '\\"'}]] * 300).encode()
    assert len(ANY.decode(body)) == 600


def test_a_long_string_costs_no_memory_of_many_times_its_size() -> None:
    body = b'"' + rb"[\"" * 500_000 + b'"'
    tracemalloc.start()
    try:
        assert len(ANY.decode(body)) == 1_000_000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 10 * len(body)


@given(VALUES)
def test_whatever_json_writes_is_read_as_itself(value: Any) -> None:
    body = json.dumps(value).encode()
    try:
        expected = json.loads(body)
    except ValueError:
        return
    if "\\ud" in body.decode():
        return  # a lone surrogate
    assert ANY.decode(body) == expected


@given(st.lists(st.tuples(st.sampled_from('abc:"e0N{['), st.integers(0, 9)), max_size=6))
def test_exactly_the_objects_with_a_key_twice_are_refused(pairs: list[tuple[str, int]]) -> None:
    body = ("{" + ", ".join(f"{json.dumps(key)}: {value}" for key, value in pairs) + "}").encode()
    keys = {key for key, _ in pairs}
    if len(keys) == len(pairs):
        check(body, len(keys))
        check(body, NOTHING_KNOWN)
    else:
        for known in (len(keys), NOTHING_KNOWN):
            with pytest.raises(Refused, match="twice"):
                check(body, known)


@given(
    st.binary(max_size=40) | st.text('{}[]":,0eE+-.naNInfity\\u \n', max_size=40).map(str.encode)
)
def test_no_bytes_are_ever_more_than_refused(body: bytes) -> None:
    status = 200
    try:
        ANY.decode(body)
    except Refused as refused:
        status = refused.status
    assert status in {200, 400}
