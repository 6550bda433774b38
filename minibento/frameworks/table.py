"""Which adapter serves which framework; loads one only when it is asked for."""

from typing import TYPE_CHECKING

from minibento import importing
from minibento.errors import NotFound

if TYPE_CHECKING:
    from minibento.frameworks.base import Adapter

__all__ = ["ADAPTERS", "adapter"]

ADAPTERS = {
    "picklable_model": "minibento.frameworks.picklable_model:PicklableModel",
    "sklearn": "minibento.frameworks.sklearn:Sklearn",
    "xgboost": "minibento.frameworks.xgboost:XGBoost",
}


def adapter(name: str) -> "Adapter":
    """The adapter of a framework as it is named in manifests.

    Raises:
        NotFound: this minibento has none of that name.
    """
    if name not in ADAPTERS:
        raise NotFound(
            f"this minibento has no adapter for the framework {name!r}: "
            f"it knows {', '.join(ADAPTERS)}; a newer minibento may know it"
        )
    made: Adapter = importing.load(ADAPTERS[name])()
    return made
