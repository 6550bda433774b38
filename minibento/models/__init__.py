"""The model verbs: what users do with models that are, or are to be, in the store."""

from minibento.models.drafting import Draft, create
from minibento.models.libraries import VersionMismatch
from minibento.models.model import Model
from minibento.models.resolving import get, resolving
from minibento.models.verbs import alias, delete, list, rollback  # noqa: A004 -- the verb

__all__ = [
    "Draft",
    "Model",
    "VersionMismatch",
    "alias",
    "create",
    "delete",
    "get",
    "list",
    "resolving",
    "rollback",
]
