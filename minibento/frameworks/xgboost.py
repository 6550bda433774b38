"""XGBoost boosters and their scikit-learn facades, as UBJSON; knows only its library.

The file holds data, no code: loading it needs no trust.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from minibento import importing
from minibento.errors import Corrupt, DeclarationError
from minibento.frameworks.base import Files, Saved
from minibento.wire.row_spec import RowSpec

__all__ = ["XGBoost", "limit_threads"]

_FILE = "model.ubj"
_FACADES = (
    "XGBClassifier",
    "XGBRegressor",
    "XGBRanker",
    "XGBRFClassifier",
    "XGBRFRegressor",
)


class XGBoost:
    """Adapter of `minibento.xgboost`."""

    name = "xgboost"
    libraries = ("xgboost", "numpy")
    any_thread = True

    def __init__(self) -> None:
        self._xgboost = importing.optional("xgboost", purpose="an XGBoost model")

    def check(self, obj: object) -> None:
        """Accept a Booster or one of XGBoost's own estimators, fitted."""
        kind = type(obj).__name__
        if type(obj) is self._xgboost.Booster:
            return
        if kind not in _FACADES or type(obj) is not getattr(self._xgboost, kind):
            raise DeclarationError(
                f"minibento.xgboost saves a Booster or {', '.join(_FACADES)}, got {kind}: "
                "a pipeline goes with minibento.sklearn.save_model, any other object with "
                "minibento.picklable_model.save_model"
            )
        if not obj.__sklearn_is_fitted__():  # type: ignore[attr-defined]  # every facade has it
            raise DeclarationError(f"{kind} is not fitted: call .fit first")

    def save(self, obj: Any, directory: Path, options: Mapping[str, Any]) -> Saved:
        """Write `model.ubj`; an estimator's class and missing value go into the options."""
        assert not options, f"xgboost has no options, got {options}"
        obj.save_model(directory / _FILE)
        if isinstance(obj, self._xgboost.Booster):
            return Saved(options={"class": "Booster"})
        missing = float(obj.missing)
        return Saved(
            options={
                "class": type(obj).__name__,
                "missing": None if math.isnan(missing) else missing,
            }
        )

    def executes_code(self, options: Mapping[str, Any]) -> bool:  # noqa: ARG002 -- the seam asks
        """Never: the file holds numbers and names."""
        return False

    def load(self, files: Files, options: Mapping[str, Any]) -> Any:
        """Read the Booster, or the estimator around it, back."""
        kind = options["class"]
        if kind == "Booster":
            model = self._xgboost.Booster()
        elif kind in _FACADES:
            missing = options["missing"]
            model = getattr(self._xgboost, kind)(missing=math.nan if missing is None else missing)
        else:
            raise Corrupt(
                f"the manifest names the class {kind!r}: accepted are Booster, {_FACADES}"
            )
        data = files.read(_FILE)
        refusal = f"{_FILE} is not an XGBoost model (it begins with {data[:4]!r}): not loaded"
        # XGBoost ends the whole process on some files that are no UBJSON object.
        if not (data.startswith(b"{") and data.endswith(b"}")):
            raise Corrupt(refusal)
        try:
            model.load_model(bytearray(data))
        except (self._xgboost.core.XGBoostError, ValueError) as error:
            raise Corrupt(f"{refusal}; {str(error).strip().splitlines()[0]}") from error
        return model

    def methods(self, obj: Any) -> dict[str, bool]:
        """`predict`, and `predict_proba` of classifiers; both take many rows."""
        names = ("predict", "predict_proba")
        return {name: True for name in names if hasattr(obj, name)}

    def runnable(self, obj: Any) -> Any:
        """A Booster is wrapped to take rows; an estimator takes them itself."""
        if isinstance(obj, self._xgboost.Booster):
            return _RowBooster(obj, self._xgboost.DMatrix)
        return obj

    def rows(self, obj: Any) -> RowSpec:
        """Arrays of the model's feature count, in the precision that XGBoost computes in."""
        booster = obj if isinstance(obj, self._xgboost.Booster) else obj.get_booster()
        return RowSpec(kind="array", dtype="float32", shape=(booster.num_features(),))

    def use_threads(self, obj: Any, threads: int) -> None:
        """Set `nthread` of the Booster and `n_jobs` of the estimator around it."""
        if isinstance(obj, _RowBooster):
            obj = obj.booster
        if isinstance(obj, self._xgboost.Booster):
            obj.set_param({"nthread": threads})
        else:
            limit_threads(obj, threads)


def limit_threads(estimator: Any, threads: int) -> None:
    """Let an XGBoost estimator, wherever it is found, predict with this many threads."""
    estimator.n_jobs = threads
    if estimator.__sklearn_is_fitted__():  # a stack keeps the unfitted ones it was made from
        estimator.get_booster().set_param({"nthread": threads})


class _RowBooster:
    """A Booster that predicts on arrays, frames and sparse matrices without a DMatrix by hand.

    Names and types of the features are the Booster's own: an array has none, and XGBoost refuses a
    matrix whose names are not those of the training.
    """

    def __init__(self, booster: Any, matrix: Any) -> None:
        self.booster = booster
        self._matrix = matrix

    def predict(self, rows: Any) -> Any:
        """One prediction per row."""
        own = self.booster
        named = hasattr(rows, "columns")  # a frame brings its own names, which XGBoost compares
        matrix = self._matrix(
            rows,
            feature_names=None if named else own.feature_names,
            feature_types=None if named else own.feature_types,
            enable_categorical=True,
        )
        return own.predict(matrix)
