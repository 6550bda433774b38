"""The scikit-learn adapter."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
)
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import LinearSVC

from minibento.errors import Corrupt, DeclarationError, Untrusted
from minibento.frameworks.pickled import dumps
from minibento.frameworks.sklearn import Sklearn
from minibento.wire.row_spec import RowSpec
from tests.frameworks.directory import Directory

RNG = np.random.default_rng(0)
X = RNG.random((60, 4))
Y = (X[:, 0] > 0.5).astype(int)


def there_and_back(obj: Any, directory: Path, format_: str) -> Any:
    adapter = Sklearn()
    adapter.check(obj)
    saved = adapter.save(obj, directory, {"format": format_})
    assert adapter.executes_code(saved.options) is (format_ == "cloudpickle")
    return adapter.load(Directory(directory), saved.options)


@pytest.mark.parametrize("format_", ["cloudpickle", "skops"])
@pytest.mark.parametrize(
    "model",
    [
        LogisticRegression(),
        RandomForestClassifier(5),
        HistGradientBoostingClassifier(max_iter=5),
        make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression()),
    ],
    ids=lambda model: type(model).__name__,
)
def test_a_model_answers_the_same_after_a_round_trip(
    model: Any, format_: str, tmp_path: Path
) -> None:
    model.fit(X, Y)
    loaded = there_and_back(model, tmp_path, format_)
    assert np.array_equal(loaded.predict_proba(X), model.predict_proba(X))


@pytest.mark.parametrize("format_", ["cloudpickle", "skops"])
def test_a_pipeline_of_dictionaries_takes_dictionaries_again(format_: str, tmp_path: Path) -> None:
    rows = [{"home": "rent", "age": 20.0}, {"home": "owner", "age": 40.0}]
    model = make_pipeline(DictVectorizer(), LogisticRegression()).fit(rows, ["good", "bad"])
    assert there_and_back(model, tmp_path, format_).predict(rows).tolist() == ["good", "bad"]


def test_a_lambda_in_a_pipeline_travels_by_value(tmp_path: Path) -> None:
    model = make_pipeline(FunctionTransformer(lambda x: np.log1p(x) + 1), LogisticRegression())
    model.fit(X, Y)
    saved = Sklearn().save(model, tmp_path, {"format": "cloudpickle"})
    assert saved.by_value
    assert {"sklearn", "numpy"} <= saved.modules


def test_the_methods_are_those_the_model_has() -> None:
    adapter = Sklearn()
    assert set(adapter.methods(LinearSVC().fit(X, Y))) == {"predict", "decision_function"}
    assert set(adapter.methods(StandardScaler().fit(X))) == {"transform"}
    assert all(adapter.methods(LogisticRegression().fit(X, Y)).values())


def test_rows_are_told_by_the_item() -> None:
    assert Sklearn().rows(LogisticRegression()) == RowSpec("auto")


@pytest.mark.parametrize(
    ("obj", "said"),
    [
        (LogisticRegression, "the class LogisticRegression"),
        (LogisticRegression(), "LogisticRegression is not fitted"),
        (make_pipeline(StandardScaler(), LogisticRegression()), "Pipeline is not fitted"),
        ({"model": 1}, "got dict"),
    ],
    ids=str,
)
def test_what_is_no_fitted_estimator_is_refused(obj: object, said: str) -> None:
    with pytest.raises(DeclarationError, match=said):
        Sklearn().check(obj)


def test_skops_refuses_other_types_when_saving_and_names_them(tmp_path: Path) -> None:
    model = SelectKBest(k=2).fit(X, Y)
    with pytest.raises(DeclarationError, match=r"_univariate_selection\.f_classif"):
        Sklearn().save(model, tmp_path, {"format": "skops"})
    assert list(tmp_path.iterdir()) == []


def test_skops_refuses_other_types_when_loading_and_names_them(tmp_path: Path) -> None:
    import skops.io

    skops.io.dump(SelectKBest(k=2).fit(X, Y), tmp_path / "model.skops")
    with pytest.raises(Untrusted, match="f_classif"):
        Sklearn().load(Directory(tmp_path), {"format": "skops"})


def test_a_pickle_named_skops_is_refused_and_not_run(tmp_path: Path) -> None:
    canary = tmp_path / "canary"

    class Evil:
        def __reduce__(self) -> Any:
            return (Path.touch, (canary,))

    evil = dumps(Evil()).data
    (tmp_path / "model.skops").write_bytes(evil)
    with pytest.raises(Corrupt, match="not a skops file"):
        Sklearn().load(Directory(tmp_path), {"format": "skops"})
    assert not canary.exists()
    (tmp_path / "model.pkl").write_bytes(evil)  # the negative control: as a pickle it does run
    Sklearn().load(Directory(tmp_path), {"format": "cloudpickle"})
    assert canary.exists()


def test_parallel_parts_are_limited_however_deep_and_sequential_ones_left_alone() -> None:
    stack = StackingClassifier(
        [("forest", RandomForestClassifier(3, n_jobs=-1)), ("line", LogisticRegression())],
        final_estimator=RandomForestClassifier(3, n_jobs=1),
        cv=2,
        n_jobs=2,
    )
    model = make_pipeline(StandardScaler(), stack)
    model.fit(X, Y)
    Sklearn().use_threads(model, 1)
    fitted = model[-1]
    assert fitted.n_jobs == 1
    assert fitted.estimators_[0].n_jobs == 1
    Sklearn().use_threads(model, 4)
    assert fitted.final_estimator_.n_jobs == 1
    fitted.estimators_[0].n_jobs = -1
    Sklearn().use_threads(model, 3)
    assert fitted.estimators_[0].n_jobs == 3


def test_threads_reach_what_is_calibrated_and_xgboosts_estimators() -> None:
    import xgboost
    from sklearn.calibration import CalibratedClassifierCV

    forest = CalibratedClassifierCV(RandomForestClassifier(3, n_jobs=-1), cv=2)
    Sklearn().use_threads(forest.fit(X, Y), 2)
    inner = [each.estimator.n_jobs for each in forest.calibrated_classifiers_]
    assert inner == [2, 2]
    boosted = make_pipeline(StandardScaler(), xgboost.XGBClassifier(n_estimators=2)).fit(X, Y)
    before = boosted.predict_proba(X)
    Sklearn().use_threads(boosted, 1)
    assert '"nthread":"1"' in boosted[-1].get_booster().save_config()
    assert np.array_equal(boosted.predict_proba(X), before)
    stack = StackingClassifier([("x", xgboost.XGBClassifier(n_estimators=2))], cv=2).fit(X, Y)
    Sklearn().use_threads(stack, 1)
    assert '"nthread":"1"' in stack.estimators_[0].get_booster().save_config()
