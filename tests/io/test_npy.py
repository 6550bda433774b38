import io
import struct
import tracemalloc
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_np

from minibento.io import npy
from minibento.io.base import BadAnswer, Refused

FLOATS = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"


def saved(array: Any, version: tuple[int, int] = (1, 0)) -> bytes:
    """As numpy itself writes it, pickles too."""
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.lib.format.write_array(file, array, version)
    return file.getvalue()


def forged(header: str, data: bytes = b"", version: int = 1) -> bytes:
    text = header.encode("latin-1")
    length = struct.pack("<H" if version == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes((version, 0)) + length + text + data


def shaped(shape: str, dtype: str = "<f4") -> str:
    return f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}"


DTYPES = (
    st_np.boolean_dtypes()
    | st_np.integer_dtypes(endianness="?")
    | st_np.floating_dtypes(endianness="?")
)
ARRAYS = st_np.arrays(DTYPES, st_np.array_shapes(max_dims=4))
# numpy drops NULs at the end of text.
CODE_POINTS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
TEXTS = st_np.arrays(
    st_np.unicode_string_dtypes(endianness="?", min_len=1),
    st_np.array_shapes(max_dims=2),
    elements=st.text(CODE_POINTS, max_size=1),
)


@settings(deadline=None)
@given(
    array=ARRAYS | TEXTS, fortran=st.booleans(), version=st.sampled_from([(1, 0), (2, 0), (3, 0)])
)
def test_what_numpy_writes_is_read(array: Any, fortran: bool, version: tuple[int, int]) -> None:
    found = npy.decode(saved(np.array(array, order="F" if fortran else "C"), version))
    assert (found.dtype, found.shape) == (array.dtype, array.shape)
    assert found.tobytes() == array.tobytes()


@settings(deadline=None)
@given(array=ARRAYS | TEXTS, fortran=st.booleans(), step=st.sampled_from([1, -1, 2]))
def test_what_is_written_numpy_reads(array: Any, fortran: bool, step: int) -> None:
    array = np.array(array, order="F" if fortran else "C")[::step]
    found = np.load(io.BytesIO(npy.encode(array)), allow_pickle=False)
    assert (found.dtype, found.shape) == (array.dtype, array.shape)
    assert found.tobytes() == array.tobytes()


@pytest.mark.parametrize(
    "array",
    [
        np.array(["2026-01-01", "NaT"], "M8[D]"),
        np.array([1 + 2j]),
        np.array([b"a"]),
        np.array(5),
        np.zeros((0, 3)),
        np.array(["", ""]),
    ],
    ids=lambda array: str(array.dtype),
)
def test_answers_may_be_what_bodies_may_not(array: Any) -> None:
    found = np.load(io.BytesIO(npy.encode(array)), allow_pickle=False)
    np.testing.assert_array_equal(found, array)
    assert (found.dtype, found.shape) == (array.dtype, array.shape)


@pytest.mark.parametrize(
    "array", [np.array([{}]), np.zeros(2, "i4,f4"), np.zeros(1, [("a", object)])], ids=str
)
def test_an_answer_of_objects_or_fields_is_a_bad_answer(array: Any) -> None:
    with pytest.raises(BadAnswer, match=r"cannot be sent as \.npy"):
        npy.encode(array)


class Bomb:
    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return pytest.fail, ("a pickle was read",)


REFUSED: dict[str, tuple[bytes, int, str]] = {
    "empty": (b"", 400, "no .npy file"),
    "JSON": (b"[[1, 2]]", 400, "no .npy file"),
    "zip": (b"PK\x03\x04" + bytes(50), 400, "no .npy file"),
    "magic alone": (b"\x93NUMPY", 400, "no .npy file"),
    "version alone": (b"\x93NUMPY\x01\x00", 400, "ends in its header"),
    "version 4": (forged(FLOATS, version=4), 400, "version 4.0"),
    "no header": (forged(""), 400, "should be a dict"),
    "header cut": (forged(FLOATS)[:30], 400, "ends in its header"),
    "header of 4 GiB": (b"\x93NUMPY\x02\x00\xff\xff\xff\xff", 400, "4,294,967,295 bytes"),
    "header of 10 MB": (forged(" " * 10_000_000 + FLOATS, version=2), 400, "at most 10,000"),
    "deep": (forged("[" * 9000), 400, "should be a dict"),
    "deeper": (forged("-" * 9000 + "1"), 400, "should be a dict"),
    "call": (forged("__import__('os').abort()"), 400, "should be a dict"),
    "key more": (forged(FLOATS.replace("}", "'x': 1}"), bytes(24)), 400, "should be a dict"),
    "shape no tuple": (forged(shaped("[2]")), 400, "should be a dict"),
    "shape of floats": (forged(shaped("(2.0,)")), 400, "should be a dict"),
    "dtype unknown": (forged(shaped("(1,)", "<q9")), 400, "should be a dict"),
    "dtype huge": (forged(shaped("(1,)", "|V99999999999")), 400, "should be a dict"),
    "pickle": (saved(np.array([Bomb()])), 422, "dtype object"),
    "pickle inside": (saved(np.array([(1, Bomb())], "i4,O")), 422, "dtype"),
    "fields": (saved(np.zeros(2, "i4,f4")), 422, "dtype"),
    "field of another script": (saved(np.zeros(2, [("é€", "f4")]), (3, 0)), 422, "dtype"),
    "sub-array": (
        forged(shaped("(2,)").replace("'<f4'", "('<f4', (3,))"), bytes(24)),
        422,
        "dtype",
    ),
    "complex": (saved(np.zeros(2, complex)), 422, "complex128"),
    "dates": (saved(np.zeros(2, "M8[s]")), 422, "datetime64"),
    "bytes": (saved(np.array([b"ab"])), 422, "dtype"),
    "new strings": (forged(shaped("(1,)", "T")), 422, "dtype"),
    "overflow to 32": (forged(shaped("(16, 1152921504606846978)", "|i1"), bytes(32)), 400, "has"),
    "huge": (forged(shaped(f"({2**62}, {2**62})")), 400, "has an integer|has 8507"),
    "more than 4,300 digits": (forged(shaped(f"({'9' * 4000}, {'9' * 4000})")), 400, "integer of"),
    "negative": (forged(shaped("(2, -5)"), bytes(40)), 400, "none below 0"),
    "twice negative": (forged(shaped("(-2, -3)"), bytes(24)), 400, "none below 0"),
    "33 dimensions": (forged(shaped(f"({'1, ' * 33})"), bytes(4)), 400, "at most 32"),
    "no dimension": (saved(np.array(5.0)), 422, "not empty"),
    "nothing in it": (saved(np.zeros((0, 3))), 422, "not empty"),
    "nothing, hugely": (forged(shaped(f"(0, {2**70})")), 422, "not empty"),
    "text of no length": (forged(shaped(f"({2**60},)", "<U0")), 422, "with characters"),
    "truncated": (saved(np.zeros(5))[:-1], 400, "got 39 after"),
    "header alone": (saved(np.zeros(5))[:128], 400, "got 0 after"),
    "trailing": (saved(np.zeros(5)) + b"x", 400, "got 41 after"),
    "two arrays": (saved(np.zeros(5)) * 2, 400, "after the header"),
    "boolean 2": (forged(shaped("(3,)", "|b1"), b"\0\1\2"), 422, "at byte 2"),
    "no code point": (forged(shaped("(2,)", "<U1"), b"a\0\0\0\0\0\x11\0"), 422, "at byte 4"),
    "surrogate": (forged(shaped("(1,)", ">U2"), b"\0\0\0a\0\0\xd8\0"), 422, "at byte 4"),
}


@pytest.mark.parametrize(("body", "status", "match"), REFUSED.values(), ids=REFUSED)
@pytest.mark.filterwarnings("ignore")  # of numpy's and Python's own parsers
def test_what_is_no_such_file_is_refused_before_memory_is_taken(
    body: bytes, status: int, match: str
) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(Refused, match=match) as caught:
            npy.decode(body)
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()
    assert caught.value.status == status
    assert len(str(caught.value)) < 500


def test_a_file_of_python_2_is_read() -> None:
    with pytest.warns(UserWarning, match="Python 2"):
        assert npy.decode(forged(shaped("(2L, 1L)"), bytes(8))).shape == (2, 1)


def test_the_data_is_not_copied() -> None:
    body = saved(np.arange(6.0))
    array = npy.decode(body)
    assert np.shares_memory(array, np.frombuffer(body, np.uint8))
    assert not array.flags.writeable


VALID = [
    saved(np.arange(6, dtype="f4").reshape(2, 3)),
    saved(np.array([True, False])),
    saved(np.array([["a", "bc"]]), (2, 0)),
    saved(np.asfortranarray(np.arange(6, dtype=">i8").reshape(2, 3)), (3, 0)),
]
# Bytes that mean something in a header, tried more often than others.
BYTES = st.sampled_from(b"0123456789<>|=biufcmMOSUVaT,()[]{}':-L \n\0\xff") | st.integers(0, 255)


@settings(max_examples=1000, deadline=None)
@given(
    body=st.sampled_from(VALID),
    changes=st.lists(st.tuples(st.integers(0, 150), BYTES), min_size=1, max_size=4),
    cut=st.integers(0, 20),
    more=st.binary(max_size=8),
)
@example(body=VALID[0], changes=[(0, 0)], cut=0, more=b"")
@pytest.mark.filterwarnings("ignore")
def test_a_changed_file_is_read_or_refused(
    body: bytes, changes: list[tuple[int, int]], cut: int, more: bytes
) -> None:
    changed = bytearray(body)
    for place, byte in changes:
        changed[place % len(changed)] = byte
    try:
        array = npy.decode(bytes(changed[: len(changed) - cut]) + more)
    except Refused:
        pass
    else:
        array.tolist()
        assert array.nbytes <= len(body) + len(more)
