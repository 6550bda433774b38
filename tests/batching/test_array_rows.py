"""Items that are arrays: what is taken, what is refused and with which words, how they stack."""

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from minibento.batching.rows import Rows, rows
from minibento.errors import ItemError
from minibento.wire.row_spec import RowSpec


def taking(dtype: str | None = "float64", *shape: int | None) -> Rows:
    return rows(RowSpec("array", dtype, shape or (3,)), "predict")


WRONG_RANKS: list[tuple[Any, str]] = [
    (np.zeros((1, 29)), "got shape (1, 29): pass x[0], or predict.batch(x) for many rows"),
    (np.zeros((5, 29)), "got shape (5, 29): pass x[0], or predict.batch(x) for many rows"),
    (
        pd.DataFrame(np.zeros((1, 29))),
        "got shape (1, 29): pass x.iloc[0], or predict.batch(x) for many rows",
    ),
    (
        sparse.csr_matrix(np.zeros((4, 29))),
        "got shape (4, 29): pass x[:1], or predict.batch(x) for many rows",
    ),
    (np.zeros((1, 1, 29)), "got shape (1, 1, 29)"),
    (np.array(3.0), "got shape ()"),
    (np.zeros(28), "got shape (28,)"),
]


@pytest.mark.parametrize(("item", "got"), WRONG_RANKS, ids=lambda part: str(part)[:30])
def test_a_wrong_shape_is_refused_before_it_is_sent_with_the_mend(item: Any, got: str) -> None:
    with pytest.raises(ItemError) as caught:
        taking("float64", 29).check_rank(item)
    assert str(caught.value) == f"predict takes one row of 29 numbers, {got}"


BAD: list[tuple[Any, str]] = [
    ([[1, 2, 3]], "got shape (1, 3): pass x[0], or predict.batch(x) for many rows"),
    ([1, 2], "got shape (2,)"),
    ([1, [2, 3], 4], "got lists of different lengths"),
    (["1", "2", "3"], "got text: "),
    (["x" * 100, "2", "3"], "..."),
    ([1, "2", 3], "got text: "),
    ([1, {"a": 2}, 3], "got dict at 1"),
    ("abc", "got str"),
    ({"a": 1}, "got dict"),
    (None, "got NoneType"),
    ([1, 10**400, 3], "got a number too large for a float"),
]


@pytest.mark.parametrize(("item", "got"), BAD, ids=lambda part: str(part)[:30])
def test_a_bad_row_is_the_items_error(item: Any, got: str) -> None:
    with pytest.raises(ItemError, match=re.escape(got)) as caught:
        taking().check(item)
    assert str(caught.value).startswith("predict takes one row of 3 numbers, got ")
    assert len(str(caught.value)) < 120


def test_null_is_nan_where_fractions_are_taken_and_refused_where_whole_numbers_are() -> None:
    assert np.isnan(taking().check([1, None, 3])[1])
    with pytest.raises(ItemError, match="got null at 1") as caught:
        taking("int64").check([1, None, 3])
    assert caught.value.field == "1"


@pytest.mark.parametrize(
    ("dtype", "item"),
    [
        ("float64", [1, 2, 3]),
        ("float32", [0.1, 2, np.nan]),
        ("float32", [1, np.inf, -np.inf]),
        ("float64", [True, 2, 3]),
        ("int64", [1.0, 2.0, 3.0]),
        ("uint8", [0, 255, 3]),
        ("bool", [0, 1, 1]),
        ("complex128", [1, 2.5, 3]),
    ],
    ids=str,
)
def test_numbers_become_the_models_dtype_where_no_value_changes(dtype: str, item: Any) -> None:
    taken = taking(dtype).check(item)
    assert taken.dtype == dtype
    np.testing.assert_allclose(taken, np.array(item, dtype="float64"), rtol=1e-6)


@pytest.mark.parametrize(
    ("dtype", "item", "got"),
    [
        ("int64", [1, 2.5, 3], "got 2.5, which is not a int64"),
        ("uint8", [1, 300, 3], "got 300, which is not a uint8"),
        ("uint8", [1, -1, 3], "got -1, which is not a uint8"),
        ("int32", [1, np.nan, 3], "got nan, which is not a int32"),
        ("float32", [1, 1e300, 3], "got 1e+300, which is not a float32"),
        ("bool", [0, 2, 1], "got 2, which is not a bool"),
        ("float64", np.array([1j, 2, 3]), "got dtype complex128"),
        ("float64", np.array(["2026-01-01"] * 3, "M8[D]"), "got dtype datetime64[D]"),
    ],
    ids=str,
)
def test_a_number_that_would_change_is_refused(dtype: str, item: Any, got: str) -> None:
    with pytest.raises(ItemError, match=re.escape(got)):
        taking(dtype).check(item)


def test_texts_of_any_length_share_a_batch() -> None:
    texts = taking("<U5", 2)
    short, long = texts.check(["a", "b"]), texts.check(np.array(["longer than five", "c"]))
    assert texts.key(short) == texts.key(long)
    assert texts.collate([short, long]).tolist() == [["a", "b"], ["longer than five", "c"]]


def test_rows_of_mixed_objects_keep_every_value() -> None:
    mixed = taking("object", 3)
    assert mixed.check(["a", 1.5, None]).tolist() == ["a", 1.5, None]


def test_a_free_axis_takes_any_length_and_only_equal_ones_share_a_batch() -> None:
    sound = taking("float32", 2, None)
    one, two = sound.check(np.zeros((2, 5))), sound.check(np.zeros((2, 7)))
    assert sound.key(one) != sound.key(two)
    with pytest.raises(
        ItemError, match=r"one array of numbers of shape \(2, \?\), got shape \(3, 5\)"
    ):
        sound.check(np.zeros((3, 5)))


def test_one_row_of_a_frame_is_a_row() -> None:
    frame = pd.DataFrame({"a": [1], "b": [2.5], "c": [3]})
    taking().check_rank(frame.iloc[0])
    assert taking().check(frame.iloc[0]).tolist() == [1, 2.5, 3]


def test_a_batch_is_stacked_along_a_new_first_axis_and_owns_its_memory() -> None:
    items = [np.arange(3.0), np.arange(3.0) + 1]
    batch = taking().collate(items)
    batch[0, 0] = 7
    assert batch.shape == (2, 3)
    assert items[0][0] == 0


def test_sparse_rows_are_stacked_sparse_and_apart_from_dense_ones() -> None:
    vectors = taking(None)
    one = vectors.check(sparse.csr_matrix([[0, 1.5, 0]]))
    batch = vectors.collate([one, one])
    assert batch.format == "csr"
    assert batch.shape == (2, 3)
    assert vectors.key(one) != vectors.key(vectors.check([1, 2, 3]))
    with pytest.raises(ItemError, match=r"got shape \(1, 4\)"):
        vectors.check(sparse.csr_matrix([[0, 1.5, 0, 0]]))


@pytest.mark.parametrize(
    "items",
    [
        [[1, 2, 3], [4, 5, 6]],
        np.array([[1, 2, 3], [4, 5, 6]]),
        pd.DataFrame([[1, 2, 3], [4, 5, 6]], columns=["a", "b", "c"]),
    ],
    ids=["list", "array", "frame"],
)
def test_many_rows_come_apart_from_a_list_an_array_or_a_frame(items: Any) -> None:
    found = [taking().check(row).tolist() for row in taking().unstack(items)]
    assert found == [[1, 2, 3], [4, 5, 6]]
