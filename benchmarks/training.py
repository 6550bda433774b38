"""The two models all servers share: a light one and a forest; knows no server."""

import pickle
from pathlib import Path
from typing import Any

from benchmarks.credit_data import Application

__all__ = ["MODELS", "train"]

MODELS = ("light", "forest")


def train(applications: list[Application], defaulted: list[int], directory: Path) -> dict[str, Any]:
    """Fit both, write `<name>.pkl`, return them by name."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.feature_extraction import DictVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    models = {
        "light": make_pipeline(
            DictVectorizer(sparse=False),  # liblinear refuses the sparse one's 64-bit indices
            LogisticRegression(solver="liblinear"),
        ),
        "forest": make_pipeline(
            DictVectorizer(sparse=False),
            RandomForestClassifier(200, n_jobs=1, random_state=1),
        ),
    }
    assert tuple(models) == MODELS
    for name, model in models.items():
        model.fit(applications, defaulted)
        (directory / f"{name}.pkl").write_bytes(pickle.dumps(model, protocol=5))
    return models
