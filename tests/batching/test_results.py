"""What a model answered for a batch: one result per item, or everybody's error."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from minibento.batching.results import join, split
from minibento.errors import BadResult


def test_an_array_gives_one_row_or_scalar_per_item() -> None:
    rows = split(np.arange(6.0).reshape(3, 2), 3, "predict")
    assert [row.tolist() for row in rows] == [[0, 1], [2, 3], [4, 5]]
    scalars = split(np.array([1.5, 2.5], np.float32), 2, "predict")
    assert [type(scalar) for scalar in scalars] == [np.float32, np.float32]


def test_a_list_or_tuple_gives_its_items() -> None:
    assert split(["a", None], 2, "predict") == ["a", None]
    assert split(({"a": 1},), 1, "predict") == [{"a": 1}]


def test_a_frame_gives_a_series_per_item_and_a_series_its_values() -> None:
    [row, _] = split(pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}), 2, "predict")
    assert row.to_dict() == {"a": 1, "b": "x"}
    assert split(pd.Series([1, 2], index=[7, 5]), 2, "predict") == [1, 2]


def test_a_dict_of_arrays_gives_a_dict_per_item() -> None:
    answered = {"label": ["a", "b"], "score": np.array([0.5, 0.25])}
    assert split(answered, 2, "predict") == [
        {"label": "a", "score": 0.5},
        {"label": "b", "score": 0.25},
    ]


def test_a_sparse_matrix_gives_rows() -> None:
    rows = split(sparse.csc_matrix(np.eye(2)), 2, "predict")
    assert [row.toarray().tolist() for row in rows] == [[[1, 0]], [[0, 1]]]


BAD: list[tuple[Any, str]] = [
    ([1, 2], "2 results"),
    ([1, 2, 3, 4], "4 results"),
    (np.zeros((1, 3)), "1 results"),
    (np.array(1.0), "ndarray"),
    (None, "NoneType"),
    (3.5, "float"),
    ("abc", "str"),
    (b"abc", "bytes"),
    ({}, "dict"),
    ({1, 2, 3}, "set"),
    ({"a": [1, 2, 3], "b": [1, 2]}, "2 results"),
    ((n for n in range(3)), "generator"),
    (map(str, [1, 2, 3]), "map"),
]


@pytest.mark.parametrize(("answered", "got"), BAD, ids=[got for _, got in BAD])
def test_anything_but_one_result_per_item_is_a_bad_result(answered: Any, got: str) -> None:
    with pytest.raises(
        BadResult, match=rf"was given a batch of 3 items and answered {got}: return"
    ):
        split(answered, 3, "model.predict")


@pytest.mark.parametrize(
    "answered",
    [
        np.arange(6.0).reshape(3, 2),
        np.array([1, 2, 3], np.int8),
        np.array(["a", "bcd", ""]),
        [1.5, 2.5, 3.5],
        [{"a": 1}, {"a": 2}, {"b": 3}],
        ["a", None, 3],
    ],
    ids=lambda answered: type(answered).__name__,
)
def test_split_results_join_to_what_they_were(answered: Any) -> None:
    joined = join(split(answered, 3, "predict"))
    assert type(joined) is type(answered)
    if isinstance(answered, np.ndarray):
        assert joined.dtype == answered.dtype
    np.testing.assert_array_equal(joined, answered)


def test_frames_join_with_their_dtypes() -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", "y"], "c": [0.5, 1.5], "d": [True, False]})
    pd.testing.assert_frame_equal(join(split(frame, 2, "predict")), frame)


def test_sparse_rows_join_to_a_csr_matrix() -> None:
    joined = join(split(sparse.csr_matrix(np.eye(3)), 3, "predict"))
    assert joined.format == "csr"
    assert (joined.toarray() == np.eye(3)).all()


def test_rows_of_unequal_shape_or_kind_stay_a_list() -> None:
    assert isinstance(join([np.zeros(2), np.zeros(3)]), list)
    assert isinstance(join([np.zeros(2), np.zeros(2, np.int8)]), list)
    assert isinstance(join([sparse.csr_matrix(np.eye(2)), sparse.csr_matrix(np.eye(3))]), list)
    assert isinstance(join([pd.Series([1, 2], ["a", "a"]), pd.Series([1, 2], ["a", "a"])]), list)
    assert isinstance(join([pd.Series([1], ["a"]), pd.Series([1], ["b"])]), list)
    assert join([1, "a"]) == [1, "a"]
    assert join([]) == []
