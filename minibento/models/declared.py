"""What a user declares about a model, checked before anything is written."""

import math
from collections.abc import Mapping
from typing import Any

from minibento.errors import DeclarationError
from minibento.wording import did_you_mean

__all__ = ["checked_labels", "checked_metadata", "checked_signatures"]

_SIGNATURE_KEYS = ("batchable",)


def checked_labels(labels: Mapping[str, str] | None) -> dict[str, str]:
    """The labels as a plain dict of texts."""
    for key, value in _mapping("labels", labels).items():
        if not isinstance(value, str):
            raise DeclarationError(
                f"labels[{key!r}] must be a text, got {value!r}: write {str(value)!r}, or put it "
                "into metadata, which takes any JSON"
            )
    return dict(labels or {})


def checked_metadata(metadata: Mapping[str, Any] | None) -> dict[str, Any]:
    """The metadata as plain JSON-able data."""
    _mapping("metadata", metadata)
    return {key: _json(f"metadata[{key!r}]", value) for key, value in (metadata or {}).items()}


def checked_signatures(
    signatures: Mapping[str, Mapping[str, Any]] | None, own: Mapping[str, bool], runnable: object
) -> dict[str, bool]:
    """Each method that a runner offers, with: is it batchable?

    Args:
        signatures: As the user wrote them; None: the adapter's own.
        own: The adapter's own choice for this object.
        runnable: What the methods are called on.
    """
    if signatures is None:
        if not own:
            raise DeclarationError(
                f"{type(runnable).__name__} cannot be called, so say which of its methods to "
                'serve: signatures={"predict": {"batchable": False}}'
            )
        return dict(own)
    if not _mapping("signatures", signatures):
        raise DeclarationError("signatures must name at least one method, got {}")
    return {
        name: _batchable(name, signature, own.get(name, False), runnable)
        for name, signature in signatures.items()
    }


def _batchable(name: str, signature: object, default: bool, runnable: object) -> bool:
    if (name.startswith("_") and name != "__call__") or not callable(getattr(runnable, name, None)):
        public = [each for each in dir(runnable) if not each.startswith("_")]
        raise DeclarationError(
            f"signatures name the method {name!r}, which {type(runnable).__name__} does not have: "
            f"{did_you_mean(name, public, 'name one that it has')}"
        )
    for key, value in _mapping(f"signatures[{name!r}]", signature).items():
        if key not in _SIGNATURE_KEYS:
            known = f"accepted: {', '.join(_SIGNATURE_KEYS)}"
            raise DeclarationError(
                f"signatures[{name!r}] has the unknown key {key!r}: "
                f"{did_you_mean(key, _SIGNATURE_KEYS, known)}"
            )
        if not isinstance(value, bool):
            raise DeclarationError(f"signatures[{name!r}][{key!r}] must be a bool, got {value!r}")
        default = value
    return default


def _mapping(what: str, value: object) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise DeclarationError(f"{what} must be a dict, got {value!r}")
    for key in value:
        if not isinstance(key, str):
            raise DeclarationError(f"{what} must have texts as keys, got {key!r}")
    return value


def _json(place: str, value: object) -> Any:
    # Floats and texts of other libraries (numpy.float64) are made plain, so that they stay so.
    match value:
        case None | bool():
            return value
        case str():
            return str(value)
        case int():
            return int(value)
        case float():
            if math.isfinite(value):
                return float(value)
            raise DeclarationError(f"{place} is {value}, which JSON does not have: use None")
        case list() | tuple():
            return [_json(f"{place}[{index}]", item) for index, item in enumerate(value)]
        case Mapping():
            items = _mapping(place, value).items()
            return {key: _json(f"{place}[{key!r}]", item) for key, item in items}
    raise DeclarationError(
        f"{place} must be JSON (None, bool, int, float, text, list, dict), got "
        f"{type(value).__module__}.{type(value).__qualname__}: turn it into one, as float(x) does"
    )
