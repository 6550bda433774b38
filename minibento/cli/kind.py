"""Whether a command is about models or bundles: told by the group that it stands in."""

from dataclasses import dataclass

import click

from minibento.store.home import local_store
from minibento.store.store import Store

__all__ = ["BUNDLES", "MODELS", "Kind", "kind"]


@dataclass(frozen=True, slots=True)
class Kind:
    """What is stored.

    Attributes:
        name: Of the group of commands and of the folder in the store.
        column: What `list` says of each beside its tag.
        empty: What `list` says where there is none.
    """

    name: str
    column: str
    empty: str

    def store(self) -> Store:
        """Where it is stored on this machine."""
        return local_store(self.name)


MODELS = Kind(
    "models",
    "FRAMEWORK",
    "no models yet: minibento.sklearn.save_model(name, model) stores one",
)
BUNDLES = Kind("bundles", "SERVICE", "no bundles yet: `minibento build` makes one of a service")


def kind() -> Kind:
    """Of the command that runs."""
    found = click.get_current_context().find_object(Kind)
    assert found is not None
    return found
