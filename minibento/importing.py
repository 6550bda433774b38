"""Importing by name: `module:Attribute` strings and optional libraries; knows no service."""

import importlib
from types import ModuleType
from typing import Any

from minibento.errors import MissingLibrary

__all__ = ["load", "optional"]


def load(reference: str) -> Any:
    """Import `package.module:attribute` and return the attribute."""
    module, _, attribute = reference.partition(":")
    return getattr(importlib.import_module(module), attribute)


def optional(module: str, *, extra: str, purpose: str) -> ModuleType:
    """Import a library that not everybody installs.

    Raises:
        MissingLibrary: it is not installed; the message has the command that installs it.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.partition(".")[0]:
            raise
        raise MissingLibrary(
            f"{purpose} needs {module}, which is not installed: pip install 'minibento[{extra}]'",
            name=module,
        ) from None
