from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minibento.errors import DeclarationError
from minibento.io.base import Codec, Refused
from minibento.io.table import codec


def made(hint: Any) -> Codec:
    return codec(hint, "test")


def read(hint: Any, body: bytes) -> Any:
    return made(hint).decoders["application/json"](body)


@pytest.mark.parametrize(
    ("hint", "body", "dtype", "shape"),
    [
        (np.ndarray, b"[1, 2]", "int64", (2,)),
        (np.ndarray, b"[[1, 2.5]]", "float64", (1, 2)),
        (np.ndarray, b"[true, false]", "bool", (2,)),
        (np.ndarray, b'["a", "bc"]', "<U2", (2,)),
        (npt.NDArray[np.float32], b"[0.1, 1]", "float32", (2,)),
        (npt.NDArray[np.int8], b"[1.0, 127]", "int8", (2,)),
        (Annotated[np.ndarray, np.float32, (None, 2)], b"[[1, 2], [3, 4]]", "float32", (2, 2)),
        (Annotated[npt.NDArray[np.float64], (3,)], b"[1, 2, 3]", "float64", (3,)),
    ],
)
def test_nested_lists_become_an_array_of_the_hints_form(
    hint: Any, body: bytes, dtype: str, shape: tuple[int, ...]
) -> None:
    array = read(hint, body)
    assert (array.dtype, array.shape) == (np.dtype(dtype), shape)


F32 = npt.NDArray[np.float32]
ROWS = Annotated[np.ndarray, np.float64, (None, 2)]


@pytest.mark.parametrize(
    ("hint", "body", "field"),
    [
        (np.ndarray, b"5", ""),
        (np.ndarray, b"{}", ""),
        (np.ndarray, b"null", ""),
        (np.ndarray, b"[]", ""),
        (np.ndarray, b"[[], []]", "0"),
        (np.ndarray, b"[[1, 2], [3]]", "1"),
        (np.ndarray, b"[[1, 2], 3]", "1"),
        (np.ndarray, b"[1, [2]]", "1"),
        (np.ndarray, b"[1, true]", "1"),
        (np.ndarray, b'[1, "a"]', "1"),
        (np.ndarray, b"[1, null]", "1"),
        (np.ndarray, b"[null]", "0"),
        (np.ndarray, b"[[1, 2], [3, {}]]", "1.1"),
        (np.ndarray, b"[18446744073709551616]", "0"),
        (F32, b"[1, true]", "1"),
        (F32, b'["1"]', "0"),
        (F32, b"[16777217]", "0"),
        (F32, b"[0, 1e300]", "1"),
        (npt.NDArray[np.int64], b"[1, 1.5]", "1"),
        (npt.NDArray[np.uint8], b"[0, -1]", "1"),
        (npt.NDArray[np.uint8], b"[256]", "0"),
        (npt.NDArray[np.bool_], b"[true, 1]", "1"),
        (ROWS, b"[1, 2]", ""),
        (ROWS, b"[[1, 2, 3]]", "0"),
        (ROWS, b"[[[1, 2]]]", ""),
    ],
)
def test_what_is_no_such_array_is_refused_with_the_first_wrong_place(
    hint: Any, body: bytes, field: str
) -> None:
    with pytest.raises(Refused) as caught:
        read(hint, body)
    assert caught.value.status == 422
    assert [flaw.field for flaw in caught.value.flaws] == [field]


def test_an_integer_that_a_float_cannot_hold_is_not_rounded() -> None:
    exact, wrong = 2**53, 2**53 + 1
    assert read(npt.NDArray[np.float64], b"[%d]" % exact)[0] == exact
    with pytest.raises(Refused, match=str(wrong)):
        read(npt.NDArray[np.float64], b"[%d]" % wrong)


def test_answers_write_null_for_what_is_not_finite() -> None:
    encode = made(npt.NDArray[np.float64]).encode
    assert encode(np.array([1.0, np.nan, np.inf])) == b"[1.0,null,null]"
    assert encode([1, 2]) == b"[1.0,2.0]"
    assert made(F32).encode(np.array([0.5, np.nan])) == b"[0.5,null]"


def test_the_description_has_the_shape() -> None:
    schema = made(Annotated[np.ndarray, np.float32, (None, 29)]).adapter.json_schema()
    row = {"type": "array", "items": {"type": "number"}, "minItems": 29, "maxItems": 29}
    assert schema == {"type": "array", "items": row}


@pytest.mark.parametrize("metadata", [object(), np.complex64, "no dtype", (1.5,)])
def test_a_wrong_dtype_or_shape_in_the_hint_is_a_declaration_error(metadata: Any) -> None:
    with pytest.raises(DeclarationError):
        made(Annotated[np.ndarray, metadata])


@given(
    st.integers(1, 4).flatmap(
        lambda width: st.lists(
            st.lists(
                st.floats(allow_nan=False, allow_infinity=False), min_size=width, max_size=width
            ),
            min_size=1,
            max_size=5,
        )
    )
)
def test_every_matrix_of_floats_comes_back_as_it_was(rows: list[list[float]]) -> None:
    both = made(npt.NDArray[np.float64])
    body = both.encode(np.array(rows))
    assert both.decoders["application/json"](body).tolist() == rows
