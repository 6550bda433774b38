"""`minibento.xgboost`: save and load XGBoost models."""

from collections.abc import Mapping
from typing import Any

from minibento.models.resolving import load_as
from minibento.models.saving import Declaration, save
from minibento.tag import Tag

__all__ = ["load_model", "save_model"]


def save_model(
    name: str,
    obj: Any,
    *,
    version: str | None = None,
    signatures: Mapping[str, Mapping[str, Any]] | None = None,
    labels: Mapping[str, str] | None = None,
    metadata: Mapping[str, Any] | None = None,
    custom_objects: Mapping[str, Any] | None = None,
    example_input: Any = None,
    check: bool = True,
) -> Tag:
    """Save an XGBoost model into the store, as UBJSON.

    Args:
        name: Name of the model: 1 to 63 of a-z 0-9 . _ - .
        obj: A Booster, or XGBoost's own classifier, regressor or ranker, trained.
        version: A version of your own; without it the version follows from the content.
        signatures: Methods to serve, each with `{"batchable": True | False}`; without it
            `predict` and what a classifier has, batchable.
        labels: Texts to find it by.
        metadata: Any JSON-able facts, such as scores.
        custom_objects: Objects to keep beside the model, read back as `model.custom_objects`.
        example_input: A few made-up rows as they come when serving: a list, array, frame or sparse
            matrix. How rows look is taken from it; it is stored with the model.
        check: Load the result in a fresh interpreter and compare its answers to `example_input`
            (floats within rtol 1e-3, atol 1e-6). False for models that draw random numbers.

    Returns:
        The exact tag; `name:latest` now stands for it.

    Raises:
        InvalidTag: a bad name or version.
        DeclarationError: an argument or the object is not what is accepted; nothing was written.
        SaveRefused: the result does not load, or answers otherwise; nothing is kept.
        AlreadyExists: the explicit version exists with other content.
    """
    given = Declaration(
        version=version,
        signatures=signatures,
        labels=labels,
        metadata=metadata,
        custom_objects=custom_objects,
        example_input=example_input,
        check=check,
    )
    return save("xgboost", name, obj, {}, given)


def load_model(tag: str | Tag) -> Any:
    """The object that `save_model` saved; raises what `minibento.models.Model.load` raises."""
    return load_as("xgboost", tag)
