"""What crosses to a runner and back: every row of the table, and what is refused."""

import dataclasses
import enum
import math
import sys
from collections import OrderedDict, namedtuple
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from functools import cached_property
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scipy import sparse

from minibento.errors import CannotCross, ItemError, MissingLibrary
from minibento.wire.values import INLINE_BYTES, decode, decode_bytes, encode, encode_bytes


def crossed(value: object) -> Any:
    """The value as the other side gets it; its buffers copied, as every channel does."""
    payload = encode(value, "Sentiment.classify")
    return decode(payload.body, [bytearray(buffer) for buffer in payload.buffers])


def hex_digits(number: int) -> str:
    return f"{number.bit_length()}bit"


plain_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.datetimes(timezones=st.none() | st.just(UTC)),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)


@given(plain_values)
def test_a_plain_value_arrives_equal_and_of_the_same_types(value: Any) -> None:
    arrived = crossed(value)
    assert arrived == value
    assert repr(arrived) == repr(value).replace(repr(UTC), repr(UTC))


@given(plain_values)
def test_a_plain_value_survives_a_file(value: Any) -> None:
    assert decode_bytes(encode_bytes(value)) == value


@pytest.mark.parametrize(
    "number", [2**63, 2**64 - 1, 2**64, -(2**63), -(2**63) - 1, 10**5000], ids=hex_digits
)
def test_a_huge_int_crosses_exactly_at_any_depth(number: int) -> None:
    assert crossed(number) == number
    assert crossed([{"deep": [1, number]}]) == [{"deep": [1, number]}]
    assert crossed(np.array([number, None], dtype=object))[0] == number


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, -0.0, 5e-324])
def test_every_float_crosses_as_it_is(number: float) -> None:
    assert repr(crossed([number])) == repr([number])


def test_a_date_and_time_keeps_its_offset_and_fold() -> None:
    moment = datetime(2026, 10, 25, 2, 30, 0, 123456, timezone(timedelta(hours=2)), fold=1)
    arrived = crossed(moment)
    assert arrived == moment
    assert arrived.utcoffset() == moment.utcoffset()
    assert arrived.fold == 1


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    HIGH = 3


class Key(str, enum.Enum):  # noqa: UP042 - str() of it is 'Key.A', of a StrEnum 'a'
    A = "a"


class Shouting(str):
    def __str__(self) -> str:
        return self.upper()


def test_enums_and_tuples_cross_as_values_and_lists() -> None:
    pair = namedtuple("pair", "left right")
    assert crossed(
        {"c": Color.RED, "l": Level.HIGH, "t": (1, (2, Color.BLUE)), "n": pair(1, 2)}
    ) == {
        "c": "red",
        "l": 3,
        "t": [1, [2, "blue"]],
        "n": [1, 2],
    }


def test_subclasses_of_plain_types_cross_as_what_they_extend() -> None:
    assert crossed(OrderedDict(b=1, a=2)) == {"b": 1, "a": 2}
    assert crossed(Shouting("quiet")) == "quiet"
    assert crossed([bytearray(b"ab"), memoryview(b"cd")]) == [b"ab", b"cd"]


def test_a_key_that_is_a_text_enum_crosses_as_its_value() -> None:
    assert crossed({Key.A: 1, np.str_("b"): 2}) == {"a": 1, "b": 2}


def test_a_number_as_key_is_refused_even_beside_a_text_enum() -> None:
    with pytest.raises(CannotCross, match="key 7 of type int"):
        crossed({Key.A: 1, 7: 2})


ARRAYS: dict[str, np.ndarray[Any, Any]] = {
    "float64": np.arange(12.0).reshape(3, 4),
    "float16": np.array([1.5, np.nan, np.inf], dtype=np.float16),
    "longdouble": np.array([1.5], dtype=np.longdouble),
    "uint8": np.arange(256, dtype=np.uint8),
    "bool": np.array([True, False]),
    "complex": np.array([1 + 2j]),
    "text": np.array([["ä", "bcd"], ["", "e"]]),
    "bytes": np.array([b"ab", b"c"]),
    "dates": np.array(["2026-01-31", "NaT"], dtype="datetime64[D]"),
    "durations": np.array([5, 7], dtype="timedelta64[ms]"),
    "big-endian": np.array([1, 2, 3], dtype=">i4"),
    "0-d": np.array(3.5),
    "empty": np.zeros((0, 29), dtype=np.float32),
    "empty text": np.zeros(0, dtype="U3"),
    "structured": np.array([(1, 2.5, "x")], dtype=[("a", "i4"), ("b", "f8"), ("c", "U3")]),
    "structured with shapes": np.zeros(2, dtype=[("a", "f4", (2, 3)), ("b", "i2")]),
    "nested structured": np.zeros(2, dtype=[("a", [("x", "f4"), ("y", "i8")]), ("b", "?")]),
    "aligned structured": np.zeros(2, dtype=np.dtype([("a", "i1"), ("b", "f8")], align=True)),
    "transposed": np.arange(12).reshape(3, 4).T,
    "every second": np.arange(20)[::2],
    "backwards": np.arange(5)[::-1],
    "fortran": np.asfortranarray(np.arange(12.0).reshape(3, 4)),
    "broadcast": np.broadcast_to(np.float32(2), (3, 3)),
    "large": np.arange(2000.0),
    "large transposed": np.arange(2000.0).reshape(40, 50).T,
    "large big-endian": np.arange(2000, dtype=">i4"),
    "large dates": np.arange(2000).astype("datetime64[s]"),
    "large text": np.array(["abc"] * 2000),
    "large structured": np.zeros(2000, dtype=[("a", "i4"), ("b", [("x", "f8")])]),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_an_array_arrives_with_its_dtype_and_shape_and_can_be_written_to(name: str) -> None:
    sent = ARRAYS[name]
    arrived = crossed({"x": sent})["x"]
    assert arrived.dtype == sent.dtype
    assert arrived.shape == sent.shape
    np.testing.assert_array_equal(arrived, sent)
    assert arrived.flags.writeable


def test_an_array_of_objects_arrives_item_by_item() -> None:
    sent = np.array([["a", None], [1.5, {"b": [True]}]], dtype=object)
    arrived = crossed(sent)
    assert arrived.dtype == object
    assert arrived.tolist() == sent.tolist()


def test_an_object_array_of_lists_keeps_its_shape() -> None:
    sent = np.empty(2, dtype=object)
    sent[:] = [[1, 2], [3, 4]]
    arrived = crossed(sent)
    assert arrived.shape == (2,)
    assert arrived[1] == [3, 4]


def test_a_small_array_travels_in_the_body_and_a_large_one_beside_it() -> None:
    small, large = np.zeros(INLINE_BYTES - 1, "u1"), np.zeros(INLINE_BYTES, "u1")
    assert not encode(small).buffers
    assert len(encode([small, large, large]).buffers) == 2
    assert not encode(large, inline=math.inf).buffers


def test_a_large_array_inside_a_frame_or_sparse_matrix_travels_beside_the_body() -> None:
    frame = pd.DataFrame({"x": np.arange(2000.0)})
    assert len(encode(frame).buffers) == 1
    pd.testing.assert_frame_equal(crossed([frame])[0], frame)


SCALARS = [
    np.float32(0.1),
    np.float64(0.1),
    np.int8(-3),
    np.uint64(2**64 - 1),
    np.bool_(True),
    np.complex64(1j),
    np.datetime64("2026-01-31T12:00", "m"),
    np.timedelta64(3, "h"),
]


@pytest.mark.parametrize("scalar", SCALARS, ids=lambda scalar: type(scalar).__name__)
def test_a_numpy_scalar_arrives_as_a_scalar_of_its_dtype(scalar: Any) -> None:
    arrived = crossed([scalar])[0]
    assert type(arrived) is type(scalar)
    assert arrived.dtype == scalar.dtype
    assert arrived == scalar


def test_numpy_text_arrives_as_text() -> None:
    assert crossed(np.str_("abc")) == "abc"
    assert crossed(np.bytes_(b"abc")) == b"abc"


@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csr_array])
def test_a_csr_matrix_arrives_as_one_of_its_kind(kind: Any) -> None:
    sent = kind(np.array([[0, 1.5, 0], [2, 0, 0]], dtype=np.float32))
    arrived = crossed(sent)
    assert type(arrived) is type(sent)
    assert arrived.dtype == np.float32
    assert arrived.shape == (2, 3)
    assert (arrived.toarray() == sent.toarray()).all()


MOMENTS = pd.DatetimeIndex(["2026-10-25T01:30:00", "NaT", "2026-02-01T12:00:00.123456"])
COLUMNS: dict[str, Any] = {
    "int": pd.Series([1, 2, 3], dtype="int32"),
    "float": pd.Series([1.5, None, 3]),
    "bool": pd.Series([True, False, True]),
    "object": pd.Series(["a", None, 3], dtype=object),
    "str": pd.Series(["a", None, "ü"], dtype="str"),
    "string": pd.Series(["a", None, "ü"], dtype="string"),
    "nullable int": pd.Series([1, None, 2**60], dtype="Int64"),
    "nullable float": pd.Series([1.5, None, 2], dtype="Float32"),
    "nullable bool": pd.Series([True, None, False], dtype="boolean"),
    "moments": pd.Series(MOMENTS),
    "moments in Madrid": pd.Series(
        MOMENTS
    ).dt.tz_localize("UTC").dt.tz_convert("Europe/Madrid"),
    "durations": pd.Series(pd.to_timedelta([1, None, 3], unit="s")),
    "category": pd.Series(["a", None, "b"], dtype=pd.CategoricalDtype(["b", "a", "c"])),
    "ordered": pd.Series([1, 2, None], dtype=pd.CategoricalDtype([2, 1], ordered=True)),
}  # fmt: skip


@pytest.mark.parametrize("name", COLUMNS)
def test_a_series_arrives_with_its_dtype_name_and_missing_values(name: str) -> None:
    sent = COLUMNS[name].rename("amount")
    pd.testing.assert_series_equal(crossed(sent), sent)


def test_a_frame_arrives_with_every_dtype_and_its_columns_in_order() -> None:
    sent = pd.DataFrame(COLUMNS)
    pd.testing.assert_frame_equal(crossed(sent), sent)


@pytest.mark.parametrize(
    "index",
    [["x", "y", "z"], [5, 6, 7], pd.to_datetime(["2026-01-01", "2026-01-02", "2026-01-03"])],
    ids=["text", "numbers", "moments"],
)
def test_a_frame_keeps_its_row_labels(index: Any) -> None:
    sent = pd.DataFrame({"a": [1, 2, 3]}, index=index)
    pd.testing.assert_frame_equal(crossed(sent), sent, check_freq=False)


def test_a_frame_keeps_doubled_and_numeric_column_names() -> None:
    sent = pd.DataFrame([[1, 2.5, "c"]], columns=["a", "a", "b"])
    pd.testing.assert_frame_equal(crossed(sent), sent)
    numbered = pd.DataFrame(np.zeros((2, 3)))
    pd.testing.assert_frame_equal(crossed(numbered), numbered, check_column_type=False)


def test_an_empty_frame_crosses() -> None:
    for sent in (pd.DataFrame({"a": pd.Series([], dtype="int64")}), pd.DataFrame()):
        assert crossed(sent).shape == sent.shape


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "F"])
def test_an_image_arrives_with_its_mode_size_and_pixels(mode: str) -> None:
    sent = Image.effect_noise((13, 7), 50).convert("RGBA" if mode == "LA" else "RGB")
    sent = Image.new("I;16", (13, 7), 300) if mode == "I;16" else sent.convert(mode)
    arrived = crossed(sent)
    assert (arrived.mode, arrived.size) == (sent.mode, sent.size)
    assert arrived.tobytes() == sent.tobytes()
    if mode == "P":
        assert arrived.convert("RGB").tobytes() == sent.convert("RGB").tobytes()


@dataclasses.dataclass
class Point:
    x: float
    tag: Color = Color.RED


class Application(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow")

    income: float = pydantic.Field(alias="Income")
    place: Point = Point(1.0)
    note: str | None = None

    @pydantic.computed_field  # type: ignore[prop-decorator]
    @property
    def monthly(self) -> float:
        return self.income / 12

    @cached_property
    def heavy(self) -> object:
        return object()


class Tags(pydantic.RootModel[list[str]]):
    pass


def test_a_pydantic_object_crosses_by_field_names_with_its_extras() -> None:
    application = Application.model_validate({"Income": 12, "branch": ["x"]})
    assert application.heavy
    assert crossed(application) == {
        "income": 12.0,
        "place": {"x": 1.0, "tag": "red"},
        "note": None,
        "branch": ["x"],
    }


def test_an_unset_field_does_not_let_a_cached_property_cross_in_its_place() -> None:
    application = Application.model_construct(income=1.0)
    del application.__dict__["note"]
    assert application.heavy
    assert set(crossed(application)) == {"income", "place"}


def test_a_root_model_crosses_as_its_root() -> None:
    assert crossed([Tags(["a", "b"])]) == [["a", "b"]]


REFUSED: dict[str, tuple[Any, str, str]] = {
    "set": ({1, 2}, "builtins.set", "sorted"),
    "date": (date(2026, 1, 31), "datetime.date", "isoformat"),
    "timedelta": (timedelta(1), "datetime.timedelta", "total_seconds"),
    "Decimal": (Decimal("1.5"), "decimal.Decimal", "float"),
    "complex": (1j, "builtins.complex", "value.real"),
    "generator": ((n for n in range(3)), "generator", "list"),
    "object": (SimpleNamespace(a=1), "types.SimpleNamespace", "numbers, text"),
    "function": (print, "builtin_function_or_method", "numbers, text"),
    "key": ({1: "a"}, "key 1 of type int", "str"),
    "tuple key": ({(1, 2): "a"}, "key (1, 2) of type tuple", "str"),
    "csc": (sparse.csc_matrix(np.eye(2)), "csc format", "tocsr"),
    "NaT": (pd.NaT, "NaT", "None"),
    "NA": (pd.NA, "<NA>", "None"),
    "nanoseconds": (pd.Timestamp("2026-01-31T00:00:00.000000001"), "nanoseconds", "to_datetime64"),
    "multi-index": (
        pd.DataFrame({"a": [1]}, index=pd.MultiIndex.from_tuples([(1, 2)])),
        "MultiIndex",
        "reset_index",
    ),
    "masked": (np.ma.masked_array([1, 2], [True, False]), "masked array", "filled"),
    "image": (Image.new("LAB", (2, 2)), "mode LAB", "convert"),
    "objects in a structure": (np.zeros(1, dtype=[("a", "O")]), "dtype", "one array per field"),
    "period": (
        pd.Series(pd.period_range("2026", periods=2, freq="D")),
        "pandas.Period",
        "to_timestamp",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_cross_is_refused_with_method_type_and_mend(name: str) -> None:
    value, what, mend = REFUSED[name]
    for given_ in (value, [value], {"deep": [value]}):
        with pytest.raises(CannotCross) as caught:
            encode(given_, "Sentiment.classify")
        message = str(caught.value)
        assert message.startswith("Sentiment.classify: a")
        assert what in message
        assert mend in message


@pytest.mark.parametrize(
    "wrap", [str, lambda t: [t], lambda t: {t: 1}, lambda t: np.array([t, 1], object)]
)
def test_text_with_a_lone_surrogate_is_the_items_error(wrap: Any) -> None:
    with pytest.raises(ItemError, match=r"lone surrogate '\\ud800' at position 2"):
        encode(wrap("ab\ud800"))


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


def test_nesting_crosses_to_depth_100_and_is_refused_beyond_reason() -> None:
    assert crossed(nested(100)) == nested(100)
    assert crossed({"a": nested(100), "n": 10**30})["n"] == 10**30
    with pytest.raises(CannotCross, match="nested too deeply"):
        encode(nested(100_000), "Sentiment.classify")


def test_a_list_that_holds_itself_is_refused() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(CannotCross, match="nested too deeply"):
        encode(loop, "Sentiment.classify")


@pytest.mark.parametrize("size", [3, 5000])
def test_neither_side_sees_what_the_other_writes_later(size: int) -> None:
    sent = np.zeros(size)
    arrived = crossed(sent)
    sent[0] = 1
    assert arrived[0] == 0
    arrived[1] = 2
    assert sent[1] == 0


@given(st.lists(st.floats(width=32), max_size=20), st.sampled_from(["<f4", ">f4", "<f8"]))
def test_any_array_of_numbers_crosses_exactly(numbers: Sequence[float], dtype: str) -> None:
    sent = np.array(numbers, dtype=dtype)
    arrived = crossed(sent)
    assert arrived.dtype == sent.dtype
    assert arrived.tobytes() == sent.tobytes()


def test_a_frame_where_pandas_is_missing_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = encode_bytes(pd.DataFrame({"a": [1]}))
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingLibrary, match=r"'minibento\[pandas\]'"):
        decode_bytes(kept)


@pytest.mark.parametrize(
    ("indices", "indptr"),
    [([0, 3], [0, 1, 2]), ([0, -1], [0, 1, 2]), ([0, 1], [0, 70_000, 2]), ([0, 1], [0, -9, 2])],
)
def test_a_sparse_matrix_with_entries_outside_of_it_is_refused(
    indices: list[int], indptr: list[int]
) -> None:
    matrix: Any = sparse.csr_matrix(np.array([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]]))
    matrix.indices, matrix.indptr = np.array(indices, "int32"), np.array(indptr, "int32")
    with pytest.raises(ValueError, match=r"outside|index|nnz"):
        decode_bytes(encode_bytes(matrix))
