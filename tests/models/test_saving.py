"""save_model: what it records, what it refuses, and that a refusal leaves nothing."""

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import minibento.picklable_model
import minibento.sklearn
import minibento.xgboost
from minibento import models
from minibento.errors import AlreadyExists, DeclarationError, InvalidTag, SaveRefused
from minibento.store.home import local_store
from minibento.wire.row_spec import Column, RowSpec
from tests.models.stored import files_below

ROWS = [{"home": "rent", "age": 20.0}, {"home": "owner", "age": 40.0}, {"home": "rent"}]
LABELS = ["good", "bad", "good"]


def pipeline() -> Any:
    return make_pipeline(DictVectorizer(), LogisticRegression()).fit(ROWS, LABELS)


def test_everything_declared_is_found_again() -> None:
    tag = minibento.sklearn.save_model(
        "credit_risk",
        pipeline(),
        version="v1",
        signatures={"predict": {}},
        labels={"owner": "risk"},
        metadata={"auc": 0.8},
        custom_objects={"threshold": 0.3},
        example_input=ROWS[:2],
    )
    model = models.get("credit_risk")
    assert (str(tag), model.tag) == ("credit_risk:v1", tag)
    assert (model.labels, model.metadata) == ({"owner": "risk"}, {"auc": 0.8})
    assert model.custom_objects == {"threshold": 0.3}
    assert model.method_specs() == {"predict": (True, RowSpec("list"))}
    assert model.example() == ROWS[:2]
    answers = model.answers()
    assert answers is not None
    assert answers["predict"].tolist() == ["good", "bad"]
    assert {"scikit-learn", "numpy"} <= set(model.libraries)


@pytest.mark.parametrize(
    ("example", "rows"),
    [
        (np.ones((2, 3)), RowSpec("array", "float64", (3,))),
        ([[1, 2, 3]], RowSpec("array", "float64", (3,))),
        (sparse.csr_matrix(np.ones((2, 3))), RowSpec("array", shape=(3,))),
        (
            pd.DataFrame({"a": [1.0], "b": pd.Categorical(["x"], ["x", "y"])}),
            RowSpec("frame", columns=(Column("a", "float64"), Column("b", "category", ("x", "y")))),
        ),
    ],
    ids=["array", "lists", "sparse", "frame"],
)
def test_rows_are_described_from_the_example_and_answered(example: Any, rows: RowSpec) -> None:
    minibento.picklable_model.save_model(
        "m",
        lambda batch: np.arange(batch.shape[0]),
        signatures={"__call__": {"batchable": True}},
        example_input=example,
    )
    model = models.get("m")
    assert model.method_specs() == {"__call__": (True, rows)}
    answers = model.answers()
    assert answers is not None
    assert answers["__call__"].tolist() == list(range(example_length(example)))
    # Whoever serves it must have what makes rows of this kind.
    assert ("pandas" in model.libraries) == isinstance(example, pd.DataFrame)
    assert ("scipy" in model.libraries) == sparse.issparse(example)


def example_length(example: Any) -> int:
    return int(example.shape[0]) if hasattr(example, "shape") else len(example)


def test_saving_the_same_again_stores_nothing_and_makes_it_latest() -> None:
    first = minibento.sklearn.save_model("m", pipeline(), check=False)
    minibento.sklearn.save_model("m", pipeline(), check=False, labels={"a": "b"})
    assert minibento.sklearn.save_model("m", pipeline(), check=False) == first
    assert models.get("m").tag == first
    assert len(models.list()) == 2


def test_an_explicit_version_is_not_overwritten() -> None:
    minibento.sklearn.save_model("m", pipeline(), version="v1", check=False)
    with pytest.raises(AlreadyExists):
        minibento.sklearn.save_model("m", pipeline(), version="v1", labels={"a": "b"}, check=False)


def test_skops_needs_no_trust_and_a_pickle_beside_it_does() -> None:
    safe = minibento.sklearn.save_model("m", pipeline(), format="skops", check=False)
    beside = minibento.sklearn.save_model(
        "m", pipeline(), format="skops", custom_objects={"a": 1}, check=False
    )
    assert local_store().get(safe).about["executes_code"] is False
    assert local_store().get(beside).about["executes_code"] is True


def test_without_a_check_the_example_is_kept_but_not_answered() -> None:
    rng = np.random.default_rng()
    minibento.picklable_model.save_model(
        "noise", lambda x: x + rng.random(), example_input=[1.0], check=False
    )
    model = models.get("noise")
    assert (model.example(), model.answers()) == ([1.0], None)


REFUSED = [
    ({"version": "latest/.."}, InvalidTag),
    ({"labels": {"a": 1}}, DeclarationError),
    ({"metadata": {"a": np.int64(1)}}, DeclarationError),
    ({"signatures": {"predikt": {}}}, DeclarationError),
    ({"custom_objects": {1: 2}}, DeclarationError),
    ({"custom_objects": {"a": threading.Lock()}}, DeclarationError),
    ({"example_input": []}, DeclarationError),
    ({"example_input": 3}, DeclarationError),
    ({"example_input": ["no mapping"]}, SaveRefused),
    ({"format": "pickle"}, DeclarationError),
]


@pytest.mark.parametrize(("arguments", "error"), REFUSED, ids=lambda value: str(value)[:40])
def test_a_refused_save_leaves_nothing(arguments: Any, error: type[Exception], home: Path) -> None:
    with pytest.raises(error):
        minibento.sklearn.save_model("m", pipeline(), **arguments)
    assert models.list() == []
    assert files_below(home) == []


def test_one_row_as_the_example_is_told_how_it_goes_in_one_line(home: Path) -> None:
    model = LogisticRegression().fit([[1.0, 2.0], [2.0, 1.0]], [0, 1])
    with pytest.raises(SaveRefused, match=r"Expected 2D.*: one row goes as \[row\]") as refused:
        minibento.sklearn.save_model("m", model, example_input=np.array([1.0, 2.0]))
    assert "\n" not in str(refused.value)


def test_a_bad_name_is_refused(home: Path) -> None:
    with pytest.raises(InvalidTag):
        minibento.sklearn.save_model("../m", pipeline())
    assert not home.exists()


def test_swapped_arguments_are_told_that_the_name_comes_first() -> None:
    swapped: Any = (pipeline(), "m")
    with pytest.raises(InvalidTag, match=r"the name first.*got Pipeline"):
        minibento.sklearn.save_model(*swapped)


def test_a_method_that_answers_once_for_all_rows_is_not_batchable() -> None:
    with pytest.raises(SaveRefused, match=r"__call__ gives 1 results for the 2 rows"):
        minibento.picklable_model.save_model(
            "m",
            lambda rows: [len(rows)],
            signatures={"__call__": {"batchable": True}},
            example_input=["a", "b"],
        )
