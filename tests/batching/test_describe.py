"""The RowSpec read off an example batch."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from minibento.batching.describe import describe
from minibento.wire.row_spec import Column, RowSpec

SPECS: list[tuple[Any, RowSpec]] = [
    (np.zeros((2, 29), np.float32), RowSpec("array", "float32", (29,))),
    (np.zeros((2, 28, 28), np.uint8), RowSpec("array", "uint8", (28, 28))),
    (np.zeros(3), RowSpec("array", "float64", ())),
    ([[1, 2], [3, 4]], RowSpec("array", "float64", (2,))),
    ([np.zeros(2, np.uint8)], RowSpec("array", "uint8", (2,))),
    (sparse.csr_matrix(np.eye(3)), RowSpec("array", None, (3,))),
    ([{"a": 1}, {"a": 2}], RowSpec("list")),
    (["a", "b"], RowSpec("list", item="str")),
    (["a", None], RowSpec("list")),
    ([1, 2], RowSpec("list")),
    ([[1], [1, 2]], RowSpec("list")),
    (pd.Series(["a"]), RowSpec("list", item="str")),
    (
        pd.DataFrame({"a": [1], "b": pd.Categorical(["x"], ["x", "y"])}),
        RowSpec("frame", columns=(Column("a", "int64"), Column("b", "category", ("x", "y")))),
    ),
]


@pytest.mark.parametrize(("example", "spec"), SPECS, ids=lambda part: type(part).__name__)
def test_one_item_is_the_example_without_its_first_axis(example: Any, spec: RowSpec) -> None:
    assert describe(example) == spec
    assert RowSpec.from_json(spec.to_json()) == spec


def test_what_a_spec_can_do_without_is_not_written() -> None:
    assert "item" not in RowSpec("list").to_json()
    assert RowSpec("list", item="str").to_json()["item"] == "str"
    with pytest.raises(ValueError, match="row item 'int'"):
        RowSpec.from_json({"kind": "list", "item": "int"})


BAD: list[tuple[Any, str]] = [
    ([], "no rows"),
    (np.zeros((0, 3)), "no rows"),
    (pd.DataFrame({"a": []}), "no rows"),
    (np.array(1.0), "a single number"),
    ({"a": 1}, "example_input is dict"),
    ("abc", "example_input is str"),
    (pd.DataFrame([[1]]), "column name 0 is not text"),
    (pd.DataFrame([[1, 2]], columns=["a", "a"]), "two columns of example_input are called 'a'"),
    (pd.DataFrame({"a": pd.to_timedelta([1])}), "column 'a' has the dtype timedelta64"),
    (pd.DataFrame({"a": pd.period_range("2026", periods=1, freq="D")}), "the dtype period"),
    (pd.DataFrame({"a": pd.cut([1, 2], 2)}), "categories of column 'a' are not text or numbers"),
]


@pytest.mark.parametrize(("example", "message"), BAD, ids=lambda part: str(part)[:20])
def test_an_example_that_describes_nothing_is_refused(example: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        describe(example)
