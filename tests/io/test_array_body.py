import io
import math
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_np

from minibento.io import npy
from minibento.io.base import BadAnswer, Codec, Refused
from minibento.io.table import codec

JSON = "application/json"
F32 = npt.NDArray[np.float32]
ROWS = Annotated[np.ndarray, np.float64, (None, 2)]


def made(hint: Any) -> Codec:
    return codec(hint, "test")


def read(hint: Any, array: Any) -> Any:
    file = io.BytesIO()
    np.save(file, array)  # in Fortran order, if the array is
    return made(hint).decoders[npy.NPY](file.getvalue())


def answered(hint: Any, value: Any) -> Any:
    return np.load(io.BytesIO(made(hint).others[npy.NPY](value)), allow_pickle=False)


@pytest.mark.parametrize("hint", [np.ndarray, F32, ROWS, Annotated[F32, (3,)]], ids=str)
def test_every_array_hint_takes_json_or_npy(hint: Any) -> None:
    assert list(made(hint).decoders) == [JSON, npy.NPY]
    assert list(made(hint).others) == [npy.NPY]


@pytest.mark.parametrize("hint", [list[np.ndarray], np.ndarray | None, dict[str, F32]], ids=str)
def test_what_holds_arrays_travels_as_json_only(hint: Any) -> None:
    assert list(made(hint).decoders) == [JSON]
    assert not made(hint).others


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<i8", ">i8", "?", "<U2", ">U2"])
def test_what_a_method_gets_is_its_own_and_as_numpy_would_make_it(order: Any, dtype: str) -> None:
    sent = np.array([[0, 1], [1, 0], [1, 1]]).astype(dtype, order=order)
    got = read(np.ndarray, sent)
    assert got.flags.owndata
    assert got.flags.writeable
    assert got.flags.c_contiguous
    assert got.flags.aligned
    assert got.dtype == sent.dtype.newbyteorder("=")
    assert got.dtype.isnative
    np.testing.assert_array_equal(got, sent)


def test_a_file_whose_data_lies_anywhere_is_aligned() -> None:
    header = b"{'descr':'<f8','fortran_order':False,'shape':(2,)}"
    for spaces in range(8):
        text = header + b" " * spaces
        body = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + bytes(16)
        assert made(np.ndarray).decoders[npy.NPY](body).flags.aligned


@pytest.mark.parametrize(
    ("hint", "array", "dtype"),
    [
        (F32, np.array([0.1, 1.0]), "float32"),
        (F32, np.array([0.1, np.nan, np.inf]), "float32"),
        (F32, np.array([1, 2**24]), "float32"),
        (npt.NDArray[np.int8], np.array([1.0, 127.0]), "int8"),
        (npt.NDArray[np.int8], np.array([-128], ">i8"), "int8"),
        (npt.NDArray[np.uint64], np.array([2**63], ">u8"), "uint64"),
        (npt.NDArray[np.str_], np.array(["a", "bc"]), "<U2"),
        (Annotated[np.ndarray, "U1"], np.array(["a", "b"], "U9"), "<U1"),
        (npt.NDArray[np.bool_], np.array([True]), "bool"),
        (ROWS, np.array([[1, 2], [3, 4]], "u1"), "float64"),
    ],
)
def test_values_are_converted_where_they_do_not_change(hint: Any, array: Any, dtype: str) -> None:
    found = read(hint, np.asfortranarray(array))
    assert found.dtype == np.dtype(dtype)
    assert found.flags.writeable
    assert found.flags.c_contiguous
    np.testing.assert_array_equal(found, array.astype(dtype))


@pytest.mark.parametrize(
    ("hint", "array", "field"),
    [
        (F32, np.array([True]), ""),
        (F32, np.array(["1"]), ""),
        (npt.NDArray[np.bool_], np.array([1]), ""),
        (npt.NDArray[np.str_], np.array([1]), ""),
        (F32, np.array([0, 1e300]), "1"),
        (F32, np.array([[0], [16777217]]), "1.0"),
        (npt.NDArray[np.int64], np.array([1, 1.5]), "1"),
        (npt.NDArray[np.int64], np.array([np.nan]), "0"),
        (npt.NDArray[np.uint8], np.array([0, -1]), "1"),
        (npt.NDArray[np.uint8], np.array([256]), "0"),
        (Annotated[np.ndarray, "U1"], np.array(["a", "bc"]), "1"),
        (ROWS, np.array([1.0, 2.0]), ""),
        (ROWS, np.array([[1.0, 2.0, 3.0]]), "0"),
        (ROWS, np.zeros((0, 2)), ""),
    ],
)
def test_what_is_no_such_array_is_refused_with_the_first_wrong_place(
    hint: Any, array: Any, field: str
) -> None:
    with pytest.raises(Refused) as caught:
        read(hint, array)
    assert caught.value.status == 422
    assert [flaw.field for flaw in caught.value.flaws] == [field]


NUMBERS = st_np.integer_dtypes(endianness="=") | st_np.floating_dtypes(endianness="=")


@settings(deadline=None)
@given(
    array=st_np.arrays(
        NUMBERS,
        st_np.array_shapes(max_dims=2, max_side=3),
        elements={"allow_nan": False, "allow_infinity": False},
    ),
    dtype=NUMBERS,
)
def test_npy_and_json_are_taken_or_refused_alike(array: Any, dtype: Any) -> None:
    both = made(Annotated[np.ndarray, dtype])
    bodies = {JSON: both.encode(array), npy.NPY: npy.encode(array)}
    found: list[Any] = []
    for media_type, body in bodies.items():
        try:
            found.append(both.decoders[media_type](body).tolist())
        except Refused as refused:
            found.append([flaw.field for flaw in refused.flaws])
    assert found[0] == found[1]


EDGES = [
    0,
    -1,
    127,
    128,
    -128,
    255,
    2**24 + 1,
    2**31,
    2**53 + 1,
    2**63 - 1,
    -(2**63),
    2**63,
    2**64 - 1,
]


KINDS = [
    np.dtype(name) for name in ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8")
]


@settings(deadline=None)
@given(value=st.integers(-(2**63), 2**64 - 1), source=NUMBERS, dtype=NUMBERS)
def test_a_number_that_would_change_is_refused(value: int, source: Any, dtype: Any) -> None:
    check_number(value, source, made(Annotated[np.ndarray, dtype]), dtype)


@pytest.mark.parametrize("dtype", KINDS, ids=str)
def test_a_number_that_would_change_is_refused_at_the_ends_too(dtype: Any) -> None:
    form = made(Annotated[np.ndarray, dtype])
    for value in EDGES:
        for source in KINDS:
            check_number(value, source, form, dtype)


def check_number(value: int, source: Any, form: Codec, dtype: Any) -> None:
    with np.errstate(all="ignore"):
        array = np.array([value], np.uint64 if value >= 2**63 else np.int64).astype(source)
    (before,) = array.tolist()
    try:
        (after,) = form.decoders[npy.NPY](npy.encode(array)).tolist()
    except Refused:
        assert not holds(dtype, before)
    else:
        assert holds(dtype, before)
        assert after == before or source.kind == dtype.kind == "f"


def holds(dtype: Any, number: int | float) -> bool:
    """Whether a dtype takes a number without changing it, by Python's exact comparisons."""
    if dtype.kind != "f":
        ends = np.iinfo(dtype)
        return int(ends.min) <= number <= int(ends.max) and number == int(number)
    with np.errstate(all="ignore"):
        made = dtype.type(number).item()
    if isinstance(number, float):
        return math.isinf(number) or math.isfinite(made)
    return math.isfinite(made) and made == number


def test_an_answer_keeps_its_own_dtype_and_may_be_no_array_yet() -> None:
    found = answered(F32, np.array([0.5, np.nan]))
    assert found.dtype == np.float64
    assert answered(F32, [0.5, 1]).dtype == np.float32
    assert answered(np.ndarray, [[1, 2], [3, 4]]).tolist() == [[1, 2], [3, 4]]
    assert answered(np.ndarray, np.array(["good", "bad"], object)).tolist() == ["good", "bad"]
    assert answered(np.ndarray, np.arange(6).reshape(2, 3).T).tolist() == [[0, 3], [1, 4], [2, 5]]


@pytest.mark.parametrize("value", [None, 5, {}, [], [[1], [2, 3]], np.array([{}, None])], ids=str)
def test_what_cannot_be_an_array_is_a_bad_answer(value: Any) -> None:
    with pytest.raises(BadAnswer, match=r"\.npy"):
        answered(np.ndarray, value)


def test_the_description_of_a_file_has_dtype_and_shape() -> None:
    (schema,) = made(ROWS).described.values()
    assert schema["format"] == "binary"
    assert "float64 of shape (None, 2)" in schema["description"]
