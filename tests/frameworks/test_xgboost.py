"""The XGBoost adapter."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xgboost
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from minibento.errors import Corrupt, DeclarationError
from minibento.frameworks.pickled import dumps
from minibento.frameworks.xgboost import XGBoost
from minibento.wire.row_spec import RowSpec
from tests.frameworks.directory import Directory

RNG = np.random.default_rng(0)
X = RNG.random((200, 3))
Y = (X[:, 0] > 0.5).astype(int)
NAMES = ["home=owner", "age", "income"]


def booster() -> Any:
    data = xgboost.DMatrix(X, label=Y, feature_names=NAMES)
    return xgboost.train({"objective": "binary:logistic", "max_depth": 3}, data, 5)


def there_and_back(model: Any, directory: Path) -> Any:
    adapter = XGBoost()
    adapter.check(model)
    saved = adapter.save(model, directory, {})
    assert not adapter.executes_code(saved.options)
    return adapter.load(Directory(directory), saved.options)


def test_a_booster_with_named_features_predicts_on_a_plain_array(tmp_path: Path) -> None:
    model = booster()
    own = model.predict(xgboost.DMatrix(X, feature_names=NAMES))
    runnable = XGBoost().runnable(there_and_back(model, tmp_path))
    assert np.array_equal(runnable.predict(X), own)
    assert np.array_equal(runnable.predict(X[:1].astype(np.float32)), own[:1])


def test_a_booster_predicts_on_frames_and_sparse_rows() -> None:
    model = booster()
    runnable = XGBoost().runnable(model)
    own = runnable.predict(X)
    assert np.array_equal(runnable.predict(pd.DataFrame(X, columns=NAMES)), own)
    assert np.array_equal(runnable.predict(sparse.csr_matrix(X)), own)


def test_a_booster_with_categories_predicts_on_their_codes() -> None:
    frame = pd.DataFrame({"home": pd.Categorical(list("abca") * 50), "x": X[:, 0]})
    data = xgboost.DMatrix(frame, label=Y, enable_categorical=True)
    model = xgboost.train({"objective": "binary:logistic"}, data, 5)
    codes = np.column_stack([frame["home"].cat.codes, frame["x"]])
    runnable = XGBoost().runnable(model)
    assert np.array_equal(runnable.predict(codes), runnable.predict(frame))


@pytest.mark.parametrize(
    "model",
    [
        xgboost.XGBClassifier(n_estimators=4),
        xgboost.XGBClassifier(n_estimators=4, missing=-1.0),
        xgboost.XGBRFClassifier(n_estimators=4),
        xgboost.XGBRegressor(n_estimators=4),
        xgboost.XGBRFRegressor(n_estimators=4),
    ],
    ids=lambda model: f"{type(model).__name__}{model.missing}",
)
def test_an_estimator_comes_back_as_its_class(model: Any, tmp_path: Path) -> None:
    rows = X.copy()
    rows[::3, 0] = model.missing
    model.fit(rows, Y)
    loaded = there_and_back(model, tmp_path)
    assert type(loaded) is type(model)
    for method in XGBoost().methods(model):
        assert np.array_equal(getattr(loaded, method)(rows), getattr(model, method)(rows))


def test_a_ranker_comes_back(tmp_path: Path) -> None:
    model = xgboost.XGBRanker(n_estimators=4).fit(X, Y, qid=np.zeros(len(X), int))
    assert np.array_equal(there_and_back(model, tmp_path).predict(X), model.predict(X))


def test_early_stopping_is_kept(tmp_path: Path) -> None:
    model = xgboost.XGBClassifier(n_estimators=100, early_stopping_rounds=1)
    model.fit(X, Y, eval_set=[(X[:50], 1 - Y[:50])], verbose=False)
    loaded = there_and_back(model, tmp_path)
    assert loaded.best_iteration == model.best_iteration
    assert np.array_equal(loaded.predict_proba(X), model.predict_proba(X))


def test_methods_and_rows_are_the_models_own() -> None:
    adapter = XGBoost()
    model = booster()
    assert adapter.methods(model) == {"predict": True}
    assert adapter.rows(model) == RowSpec("array", "float32", (3,))
    classifier = xgboost.XGBClassifier(n_estimators=2).fit(X, Y)
    assert adapter.methods(classifier) == {"predict": True, "predict_proba": True}
    assert adapter.rows(classifier).shape == (3,)


@pytest.mark.parametrize(
    ("obj", "said"),
    [
        (LogisticRegression(), "got LogisticRegression: a pipeline goes with minibento.sklearn"),
        (xgboost.XGBClassifier(), "XGBClassifier is not fitted"),
        (type("XGBClassifier", (xgboost.XGBClassifier,), {})(), "got XGBClassifier"),
    ],
    ids=["other", "unfitted", "subclass"],
)
def test_what_is_no_trained_xgboost_model_is_refused(obj: object, said: str) -> None:
    with pytest.raises(DeclarationError, match=said):
        XGBoost().check(obj)


def test_a_pickle_named_ubj_is_refused_and_not_run(tmp_path: Path) -> None:
    canary = tmp_path / "canary"

    class Evil:
        def __reduce__(self) -> Any:
            return (Path.touch, (canary,))

    (tmp_path / "model.ubj").write_bytes(dumps(Evil()).data)
    with pytest.raises(Corrupt, match="not an XGBoost model"):
        XGBoost().load(Directory(tmp_path), {"class": "Booster"})
    assert not canary.exists()


@pytest.mark.parametrize("data", [b"", b"{", b"{garbage}", b"binf", b"\x80\x05."])
def test_a_file_that_is_no_model_is_refused_and_the_process_lives(
    data: bytes, tmp_path: Path
) -> None:
    (tmp_path / "model.ubj").write_bytes(data)
    with pytest.raises(Corrupt, match="not an XGBoost model"):
        XGBoost().load(Directory(tmp_path), {"class": "Booster"})


def test_a_class_that_is_not_xgboosts_own_is_not_looked_up(tmp_path: Path) -> None:
    with pytest.raises(Corrupt, match="'callback'"):
        XGBoost().load(Directory(tmp_path), {"class": "callback"})


def test_threads_reach_the_booster_inside() -> None:
    adapter = XGBoost()
    model = booster()
    classifier = xgboost.XGBClassifier(n_estimators=2).fit(X, Y)
    for each, inside in ((model, model), (classifier, classifier.get_booster())):
        adapter.use_threads(each, 1)
        assert '"nthread":"1"' in inside.save_config()
    assert classifier.n_jobs == 1
