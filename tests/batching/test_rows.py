"""Items whose kind nothing declares: by what they are, into arrays, sparse matrices or lists."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from minibento.batching.rows import rows
from minibento.batching.unstack import row_count, unstack
from minibento.errors import ItemError
from minibento.wire.row_spec import RowSpec

AUTO = rows(RowSpec("auto"), "predict")
LIST = rows(RowSpec("list"), "classify")


def test_dicts_go_into_a_list_arrays_are_stacked_sparse_rows_stacked_sparse() -> None:
    assert AUTO.collate([AUTO.check({"a": 1}), AUTO.check({"a": 2})]) == [{"a": 1}, {"a": 2}]
    assert AUTO.collate([AUTO.check([1.5, 2]), AUTO.check(np.array([3.0, 4]))]).shape == (2, 2)
    row = AUTO.check(sparse.csr_matrix([[1.0, 0]]))
    assert AUTO.collate([row, row]).shape == (2, 2)


def test_things_of_different_kinds_share_no_batch() -> None:
    items: list[Any] = [{"a": 1}, [1.5], [1.5, 2.5], sparse.csr_matrix([[1.0, 0]])]
    assert len({AUTO.key(AUTO.check(item)) for item in items}) == 4


def test_one_row_of_a_frame_is_a_dict_and_a_whole_frame_is_refused() -> None:
    frame = pd.DataFrame({"a": [1], "b": ["x"]})
    assert AUTO.check(frame.iloc[0]) == {"a": 1, "b": "x"}
    with pytest.raises(ItemError, match=r"pass x.iloc\[0\], or predict.batch\(x\)"):
        AUTO.check_rank(frame)


def test_a_list_item_may_be_anything() -> None:
    items: list[Any] = [None, "a", [1, [2]], np.zeros((2, 2))]
    for item in items:
        LIST.check_rank(item)
        assert LIST.check(item) is item
    assert len({LIST.key(item) for item in items}) == 1


MANY: list[tuple[Any, list[Any]]] = [
    ([1, "a"], [1, "a"]),
    ((1, 2), [1, 2]),
    (np.array([1, 2]), [1, 2]),
    (pd.Series(["a", "b"]), ["a", "b"]),
    (pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}), [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]),
    ([], []),
]


@pytest.mark.parametrize(("items", "found"), MANY, ids=lambda part: type(part).__name__)
def test_many_items_come_apart(items: Any, found: list[Any]) -> None:
    assert unstack(items, "predict") == found
    assert row_count(items, "predict") == len(found)


@pytest.mark.parametrize("items", [{"a": [1]}, "abc", 7, np.array(1.0), None, {1, 2}], ids=str)
def test_what_holds_no_rows_is_refused(items: Any) -> None:
    with pytest.raises(ItemError, match=r"predict\.batch takes a list, array"):
        unstack(items, "predict")


def test_where_all_examples_were_texts_an_item_is_one() -> None:
    texts = rows(RowSpec("list", item="str"), "classify")
    assert texts.check("good") == "good"
    assert texts.check(np.str_("good")) == "good"
    with pytest.raises(ItemError) as caught:
        texts.check(None)
    assert str(caught.value) == "classify takes one text, got null"
    assert (caught.value.expected, caught.value.got) == ("text", "null")
    with pytest.raises(ItemError, match=r'got \["a"\]; many go with classify.batch\(\[...\]\)'):
        texts.check(["a"])


def test_where_no_rows_were_recorded_texts_are_not_told_that_numbers_are_wanted() -> None:
    with pytest.raises(ItemError) as caught:
        AUTO.check(["good", "bad"])
    assert str(caught.value) == (
        "predict takes one item, got a list of texts: 'good'; pass one text, or many with "
        "predict.batch([...])"
    )
