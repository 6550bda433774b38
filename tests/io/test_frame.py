import time
from typing import Any

import pandas as pd
import pytest

from minibento.io.base import Refused
from minibento.io.table import codec

FRAME = codec(pd.DataFrame, "test")


def read(body: bytes) -> Any:
    return FRAME.decoders["application/json"](body)


def test_records_become_a_frame_with_the_first_records_columns() -> None:
    frame = read(b'[{"b": 1, "a": "x"}, {"a": null, "b": 2.5}]')
    assert list(frame.columns) == ["b", "a"]
    assert frame["b"].tolist() == [1.0, 2.5]
    assert frame["a"].isna().tolist() == [False, True]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"[]", ""),
        (b'{"a": 1}', ""),
        (b"[{}]", "0"),
        (b"[1]", "0"),
        (b'[{"a": 1}, 2]', "1"),
        (b'[{"a": 1}, {"b": 1}]', "1.a"),
        (b'[{"a": 1}, {"a": 1, "b": 1}]', "1.b"),
        (b'[{"a": 1}, {"a": "x"}]', "1.a"),
        (b'[{"a": 1}, {"a": true}]', "1.a"),
        (b'[{"a": [1]}]', "0.a"),
    ],
)
def test_a_record_that_does_not_fit_the_first_is_named(body: bytes, field: str) -> None:
    with pytest.raises(Refused) as caught:
        read(body)
    assert caught.value.status == 422
    assert [flaw.field for flaw in caught.value.flaws] == [field]


def test_a_key_that_comes_twice_is_refused() -> None:
    with pytest.raises(Refused, match="twice"):
        read(b'[{"a": 1, "a": 2}]')


def test_answers_are_records_with_null_for_what_is_missing() -> None:
    frame = pd.DataFrame({"a": [1.0, None], "b": [pd.Timestamp("2026-01-02"), None]})
    assert FRAME.encode(frame) == (b'[{"a":1.0,"b":"2026-01-02T00:00:00"},{"a":null,"b":null}]')


def test_a_late_extra_key_of_a_wide_record_is_found_in_no_time() -> None:
    keys = ", ".join(f'"k{index}": 0' for index in range(20_000))
    begun = time.process_time()
    with pytest.raises(Refused, match="last"):
        read(f'[{{{keys}}}, {{{keys}, "last": 0}}]'.encode())
    assert time.process_time() - begun < 1  # it took 1.7 s where each key was looked for in a list
