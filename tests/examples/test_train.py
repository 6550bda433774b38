"""What train.py makes of the real data."""

import math
import re
from collections import Counter
from collections.abc import Callable
from types import ModuleType

import pytest

from minibento import models


def test_the_data_are_the_real_ones_and_what_is_missing_stays_missing(
    example: Callable[[str], ModuleType],
) -> None:
    applications = example("train").read_applications()
    rows = applications.rows
    assert (len(rows), sum(applications.defaulted)) == (4454, 1254)
    assert len(rows[0]) == 13
    assert "rownames" not in rows[0]
    assert Counter(row["home"] for row in rows)["private"] == 246
    missing = Counter(name for row in rows for name, value in row.items() if value is None)
    assert missing == {"income": 381, "assets": 47, "debt": 18, "home": 6, "marital": 1, "job": 2}


def test_an_unknown_number_is_not_zero_and_an_unknown_category_is_none_of_the_known(
    example: Callable[[str], ModuleType],
) -> None:
    (row,) = example("train").mark_missing([{"income": None, "home": None, "age": 30}])
    assert math.isnan(row.pop("income"))
    assert row == {"age": 30}


def test_all_three_models_are_saved_and_the_best_is_in_production(trained: str) -> None:
    measured = re.findall(r"^(.+?) +AUC (0\.\d{3})  saved as (\S+)$", trained, re.MULTILINE)
    assert [algorithm for algorithm, _, _ in measured] == [
        "logistic regression",
        "random forest",
        "xgboost",
    ]
    assert all(float(auc) > 0.8 for _, auc, _ in measured)
    found = [models.get(tag) for _, _, tag in measured]
    assert [model.labels["algorithm"] for model in found] == [each[0] for each in measured]
    best = max(found, key=lambda model: model.metadata["auc"])
    assert models.get("credit_risk:production").tag == best.tag


@pytest.mark.parametrize("algorithm", ["logistic regression", "random forest", "xgboost"])
def test_each_saved_model_takes_null_for_what_is_not_known(
    trained: str, example: Callable[[str], ModuleType], algorithm: str
) -> None:
    (tag,) = re.findall(rf"^{algorithm} .+ saved as (\S+)$", trained, re.MULTILINE)
    pipeline = models.get(tag).load()
    known, unknown = example("train").MADE_UP_ROWS
    nothing_owed = {**unknown, "income": 0, "assets": 0, "debt": 0}
    answers = pipeline.predict_proba([known, unknown, nothing_owed])[:, 1]
    assert all(0 < answer < 1 for answer in answers)
    assert answers[1] != answers[2]
