"""scikit-learn estimators and pipelines, as cloudpickle or skops files; knows only its library."""

import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from minibento import importing
from minibento.errors import DeclarationError
from minibento.frameworks import pickled, skops_format
from minibento.frameworks.base import Files, Saved
from minibento.frameworks.xgboost import limit_threads
from minibento.wire.row_spec import RowSpec

__all__ = ["Sklearn"]

_METHODS = (
    "predict",
    "predict_proba",
    "predict_log_proba",
    "decision_function",
    "score_samples",
    "transform",
)
_PICKLE, _SKOPS = "model.pkl", "model.skops"


class Sklearn:
    """Adapter of `minibento.sklearn`."""

    name = "sklearn"
    libraries = ("sklearn", "numpy", "scipy")
    any_thread = True

    def __init__(self) -> None:
        importing.optional("sklearn", purpose="a scikit-learn model")

    def check(self, obj: object) -> None:
        """Accept fitted estimators, transformers and pipelines, whoever wrote their classes."""
        if isinstance(obj, type) or not hasattr(obj, "fit") or not self.methods(obj):
            raise DeclarationError(
                f"minibento.sklearn saves a fitted estimator or pipeline, got {_kind(obj)}: "
                "other objects go with minibento.picklable_model.save_model"
            )
        from sklearn.exceptions import NotFittedError  # sklearn is optional
        from sklearn.utils.validation import check_is_fitted

        try:
            check_is_fitted(obj)
        except NotFittedError as error:
            raise DeclarationError(f"{_kind(obj)} is not fitted: call .fit first") from error

    def save(self, obj: Any, directory: Path, options: Mapping[str, Any]) -> Saved:
        """Write `model.pkl`, or `model.skops` with `{"format": "skops"}`."""
        if options["format"] == "skops":
            (directory / _SKOPS).write_bytes(skops_format.dumps(obj))
            return Saved(options={"format": "skops"}, modules=frozenset({"skops"}))
        made = pickled.dumps(obj)
        (directory / _PICKLE).write_bytes(made.data)
        return Saved({"format": "cloudpickle"}, made.by_value, made.modules)

    def executes_code(self, options: Mapping[str, Any]) -> bool:
        """Every format but skops is a pickle."""
        return bool(options.get("format") != "skops")

    def load(self, files: Files, options: Mapping[str, Any]) -> Any:
        """Read the estimator back, from the recorded format and no other."""
        from sklearn.exceptions import InconsistentVersionWarning

        with warnings.catch_warnings():
            # The model's own check of library versions says it once for the whole model.
            warnings.simplefilter("ignore", InconsistentVersionWarning)
            if not self.executes_code(options):
                return skops_format.loads(files.read(_SKOPS))
            return pickled.loads(files.read(_PICKLE))

    def methods(self, obj: Any) -> dict[str, bool]:
        """The prediction methods that the estimator has; all take many rows."""
        return {name: True for name in _METHODS if callable(getattr(obj, name, None))}

    def runnable(self, obj: Any) -> Any:
        """The estimator itself."""
        return obj

    def rows(self, obj: Any) -> RowSpec:  # noqa: ARG002 -- the seam asks for it
        """By the item: mappings for a dictionary vectorizer, arrays, sparse rows."""
        return RowSpec(kind="auto")

    def use_threads(self, obj: Any, threads: int) -> None:
        """Let no nested estimator use more than this many; a sequential one stays so.

        `n_jobs` of None or 1 is left alone: starting joblib for a small batch costs more than it
        gives (forest of 200 trees, one row: 9 ms alone, 42 ms with two jobs). XGBoost's estimators
        take all processors unless told otherwise, so these are told.
        """
        for part in _parts(obj, set()):
            jobs = vars(part).get("n_jobs")
            if hasattr(part, "get_booster"):
                limit_threads(part, threads)
            elif isinstance(jobs, int) and jobs != 1:
                part.n_jobs = min(jobs, threads) if jobs > 0 else threads


def _parts(obj: Any, seen: set[int]) -> Iterator[Any]:
    """`obj` and every fitted estimator inside it, however deep."""
    if id(obj) in seen:
        return
    seen.add(id(obj))
    if isinstance(obj, list | tuple):
        for value in obj:
            yield from _parts(value, seen)
    elif _is_part(obj):
        yield obj
        for value in list(vars(obj).values()):
            yield from _parts(value, seen)


def _is_part(obj: Any) -> bool:
    """An estimator, or one of scikit-learn's own objects that hold some (calibrated ones do)."""
    if isinstance(obj, type) or not hasattr(obj, "__dict__"):
        return False
    return hasattr(obj, "get_params") or type(obj).__module__.startswith("sklearn.")


def _kind(obj: object) -> str:
    return f"the class {obj.__name__}" if isinstance(obj, type) else type(obj).__name__
