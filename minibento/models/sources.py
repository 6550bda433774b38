"""From plain data to what a runner runs, in another process than the one that declared it."""

from collections.abc import Mapping
from typing import Any

from minibento.errors import UsageError
from minibento.models.resolving import get
from minibento.runners.class_spec import class_of
from minibento.runners.source import ClassSource, ModelSource, Source

__all__ = ["source_from"]


def source_from(spec: Mapping[str, Any]) -> Source:
    """The source that `Source.spec` described.

    Raises:
        NotFound: the store has no such model.
        ImportError, AttributeError: the class is not where it was.
    """
    if "model" in spec:
        return ModelSource(get(spec["model"]))
    if "class" in spec:
        return ClassSource(*class_of(spec))
    raise UsageError(f"the spec of a runner names a model or a class, got {dict(spec)!r}")
