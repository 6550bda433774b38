"""minibento: put a trained model in front of customers.

This is the face: every public name, loaded at first use, so that `import minibento` costs nothing
that is not used. Inner files never import it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from minibento import models, picklable_model, sklearn, testing, xgboost
    from minibento.asgi.service import Service, service
    from minibento.errors import (
        AlreadyExists,
        BadResult,
        BuildError,
        CannotCross,
        CannotListen,
        ConfigError,
        Corrupt,
        DeadlineExceeded,
        DeclarationError,
        InUse,
        InvalidTag,
        ItemError,
        MinibentoError,
        MissingLibrary,
        ModelError,
        NotFound,
        Overloaded,
        PoisonousItem,
        ProtocolError,
        RemoteError,
        SaveRefused,
        StoreError,
        TargetError,
        Unavailable,
        Untrusted,
        UsageError,
        WorkerDied,
    )
    from minibento.runners.method import method
    from minibento.runners.runner import Runner
    from minibento.services.api import api
    from minibento.services.context import Context
    from minibento.services.hooks import on_shutdown, on_startup, ready
    from minibento.tag import Tag

__version__ = "0.1.0"

_ERRORS = (
    "AlreadyExists",
    "BadResult",
    "BuildError",
    "CannotCross",
    "CannotListen",
    "ConfigError",
    "Corrupt",
    "DeadlineExceeded",
    "DeclarationError",
    "InUse",
    "InvalidTag",
    "ItemError",
    "MinibentoError",
    "MissingLibrary",
    "ModelError",
    "NotFound",
    "Overloaded",
    "PoisonousItem",
    "ProtocolError",
    "RemoteError",
    "SaveRefused",
    "StoreError",
    "TargetError",
    "Unavailable",
    "Untrusted",
    "UsageError",
    "WorkerDied",
)
_MODULES = ("models", "picklable_model", "sklearn", "testing", "xgboost")
_NAMES = {
    "Context": "minibento.services.context",
    "Runner": "minibento.runners.runner",
    "Service": "minibento.asgi.service",
    "Tag": "minibento.tag",
    "api": "minibento.services.api",
    "method": "minibento.runners.method",
    "on_shutdown": "minibento.services.hooks",
    "on_startup": "minibento.services.hooks",
    "ready": "minibento.services.hooks",
    "service": "minibento.asgi.service",
    **dict.fromkeys(_ERRORS, "minibento.errors"),
}

__all__ = [
    "AlreadyExists",
    "BadResult",
    "BuildError",
    "CannotCross",
    "CannotListen",
    "ConfigError",
    "Context",
    "Corrupt",
    "DeadlineExceeded",
    "DeclarationError",
    "InUse",
    "InvalidTag",
    "ItemError",
    "MinibentoError",
    "MissingLibrary",
    "ModelError",
    "NotFound",
    "Overloaded",
    "PoisonousItem",
    "ProtocolError",
    "RemoteError",
    "Runner",
    "SaveRefused",
    "Service",
    "StoreError",
    "Tag",
    "TargetError",
    "Unavailable",
    "Untrusted",
    "UsageError",
    "WorkerDied",
    "__version__",
    "api",
    "method",
    "models",
    "on_shutdown",
    "on_startup",
    "picklable_model",
    "ready",
    "service",
    "sklearn",
    "testing",
    "xgboost",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"minibento.{name}")
    if name in _NAMES:
        value = getattr(import_module(_NAMES[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'minibento' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
