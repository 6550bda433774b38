"""Finding a version while it goes away."""

import shutil

import pytest

from minibento.errors import Corrupt, NotFound
from minibento.store.shelf import Shelf
from minibento.store.state import State
from minibento.store.store import Store
from tests.store.conftest import Save


class Vanishing(Shelf):
    """Deletes what was found before it can be read, the first `times`."""

    times = 0

    def resolve(self, wanted: str | None, state: State, error: Corrupt | None) -> str:
        version = super().resolve(wanted, state, error)
        if self.times:
            self.times -= 1
            shutil.rmtree(self.folder / version)
        return version


@pytest.fixture
def shelf(store: Store, save: Save) -> Vanishing:
    for version in ("v1", "v2", "v3"):
        save(version=version, content=version)
    return Vanishing(store.folder, "credit")


def test_a_latest_that_is_deleted_while_it_is_looked_up_is_looked_up_again(
    shelf: Vanishing,
) -> None:
    shelf.times = 2
    assert str(shelf.find(None).tag) == "credit:v1"


def test_an_exact_version_that_is_deleted_while_it_is_looked_up_is_not_found(
    shelf: Vanishing,
) -> None:
    shelf.times = 1
    with pytest.raises(NotFound, match="credit:v2 not found"):
        shelf.find("v2")
