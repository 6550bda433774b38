"""Answers to an example: built as a runner builds its batches, compared with tolerance."""

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from minibento.batching.describe import describe
from minibento.models.about import Signature
from minibento.models.answers import answers_to, difference


class Model:
    def predict(self, rows: Any) -> Any:
        return [type(rows).__name__, len(rows)]

    def one(self, row: Any) -> Any:
        return row


def test_a_batchable_method_gets_all_rows_and_any_other_one_at_a_time() -> None:
    example = [[1, 2], [3, 4]]
    spec = describe(example)
    methods = {"predict": Signature(True, spec), "one": Signature(False, spec)}
    answers = answers_to(example, Model(), methods)
    assert answers == {"predict": ["ndarray", 2], "one": example}


FRAME = pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]})
ALIKE = [
    (1.0, 1.0005),
    (float("nan"), float("nan")),
    (np.float32(1), np.float32(1.0005)),
    (np.array([1.0, np.nan]), np.array([1.0005, np.nan])),
    (np.array(["a", "b"], object), np.array(["a", "b"], object)),
    ({"a": [1, "x", None, True]}, {"a": [1, "x", None, True]}),
    (sparse.csr_matrix([[0.0, 1.0]]), sparse.csr_matrix([[0.0, 1.0005]])),
    (FRAME, FRAME.copy()),
    (FRAME["a"], FRAME["a"] * 1.0005),
]
DIFFERENT = [
    (1.0, 1.1, "1.0 became 1.1"),
    (1.0, float("nan"), "became nan"),
    (1, 2, "1 became 2"),
    (1, 1.0, "int became float"),
    ("good", "bad", "'good' became 'bad'"),
    (np.array([1, 2]), np.array([1, 3]), r"x\[1\]: .*2.* became .*3"),
    (np.array([1.0]), np.array([1.0], np.float32), "float64 .* became float32"),
    (np.zeros((2, 1)), np.zeros(2), r"\(2, 1\) became .*\(2,\)"),
    ({"a": 1}, {"b": 1}, "keys"),
    ([1], [1, 2], "1 values became 2"),
    ({"a": [1.0, 2.0]}, {"a": [1.0, 3.0]}, r"x\['a'\]\[1\]: 2.0 became 3.0"),
    (sparse.csr_matrix([[0, 1]]), sparse.csr_matrix([[1, 1]]), r"\[0, 0\]"),
    (FRAME, FRAME.replace({"b": {"y": "z"}}), r"\['b'\]\[1\]: 'y' became 'z'"),
]


@pytest.mark.parametrize(("saved", "loaded"), ALIKE)
def test_alike_is_within_a_thousandth(saved: Any, loaded: Any) -> None:
    assert difference(saved, loaded) is None


@pytest.mark.parametrize(("saved", "loaded", "said"), DIFFERENT)
def test_a_difference_is_named_with_its_place(saved: Any, loaded: Any, said: str) -> None:

    found = difference(saved, loaded, "x")
    assert found is not None
    assert re.search(said, found), found
