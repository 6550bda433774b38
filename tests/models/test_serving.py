"""A saved model behind a runner answers what the model itself answers."""

from typing import Any

import numpy as np
import pytest
import xgboost
from scipy import sparse
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import minibento.picklable_model
import minibento.sklearn
import minibento.xgboost
from minibento import models
from minibento.errors import ItemError

ROWS = [{"home": ["rent", "owner"][i % 2], "age": float(i)} for i in range(40)]
LABELS = [int(i % 3 == 0) for i in range(40)]


def test_the_course_flow_gives_the_boosters_own_answers() -> None:
    vectorizer = DictVectorizer(sparse=False)
    matrix = vectorizer.fit_transform(ROWS)
    names = vectorizer.get_feature_names_out().tolist()
    data = xgboost.DMatrix(matrix, label=LABELS, feature_names=names)
    booster = xgboost.train({"objective": "binary:logistic"}, data, 5)
    minibento.xgboost.save_model(
        "credit_risk_model",
        booster,
        custom_objects={"dictVectorizer": vectorizer},
        signatures={"predict": {"batchable": True}},
    )
    model = models.get("credit_risk_model:latest")
    own = booster.predict(data)
    with model.to_runner() as runner:
        vector = model.custom_objects["dictVectorizer"].transform(ROWS[7])
        assert runner.predict.run(vector[0]) == own[7]
        assert np.array_equal(runner.predict.run_batch(matrix), own)
        with pytest.raises(ItemError, match=r"got shape \(1, 3\): pass x\[0\]"):
            runner.predict.run(vector)
        assert runner.version == str(model.tag)


@pytest.mark.parametrize("example", [None, ROWS[:2]], ids=["bare", "example"])
def test_a_pipeline_takes_one_dictionary(example: Any) -> None:
    pipeline = make_pipeline(DictVectorizer(), LogisticRegression()).fit(ROWS, LABELS)
    tag = minibento.sklearn.save_model("light", pipeline, example_input=example)
    with models.get(tag).to_runner() as runner:
        one = runner.predict_proba.run(ROWS[7])
    assert one.tolist() == pipeline.predict_proba(ROWS[7:8])[0].tolist()


def test_a_model_of_sparse_rows_takes_one_sparse_row() -> None:
    matrix = DictVectorizer().fit_transform(ROWS)
    line = LogisticRegression().fit(matrix, LABELS)
    tag = minibento.sklearn.save_model("line", line, example_input=sparse.csr_matrix(matrix[:2]))
    with models.get(tag).to_runner() as runner:
        assert runner.predict.run(matrix[3]) == line.predict(matrix[3])[0]


def test_a_function_is_called_with_one_item() -> None:
    tag = minibento.picklable_model.save_model("plus", lambda x: x + 1, example_input=[1])
    with models.get(tag).to_runner() as runner:
        assert runner.run(41) == 42
