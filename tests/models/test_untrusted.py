"""An imported version that nobody vouched for runs no code, whatever it says of itself."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cloudpickle
import pytest

from minibento.errors import Untrusted
from minibento.models.about import CUSTOM_OBJECTS, About
from minibento.models.model import Model
from minibento.store.home import local_store
from minibento.store.store import Store


class Evil:
    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.canary,))


def archive(folder: Path, about: Mapping[str, Any], files: Mapping[str, object]) -> Path:
    """An exported version of pickles that claims to execute no code."""
    with Store(folder / "their store").draft("m") as draft:
        for name, value in files.items():
            (draft.path / name).write_bytes(cloudpickle.dumps(value))
        entry = draft.publish({**about, "executes_code": False})
    return Store(folder / "their store").export(entry.tag, folder / "m.zip")


LYING = [
    (About("picklable_model", methods={}), "model.pkl"),
    (About("sklearn", options={"format": "cloudpickle"}), "model.pkl"),
]


@pytest.mark.parametrize(("about", "name"), LYING, ids=["picklable_model", "sklearn"])
def test_an_archive_that_lies_about_its_pickle_is_imported_and_not_unpickled(
    tmp_path: Path, about: About, name: str
) -> None:
    canary = tmp_path / "canary"
    entry = local_store().import_(archive(tmp_path, about.to_json(), {name: Evil(canary)}))
    with pytest.raises(Untrusted, match=r"m:\w+ came from m.zip, and model.pkl can .* --trust"):
        Model(entry.tag, entry).load()
    assert not canary.exists()


def test_its_custom_objects_are_not_unpickled_either(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    about = About("xgboost", custom_objects=("evil",))
    path = archive(tmp_path, about.to_json(), {CUSTOM_OBJECTS: Evil(canary)})
    entry = local_store().import_(path)
    with pytest.raises(Untrusted, match=CUSTOM_OBJECTS):
        _ = Model(entry.tag, entry).custom_objects
    assert not canary.exists()


def test_with_trust_it_loads(tmp_path: Path) -> None:
    path = archive(tmp_path, About("picklable_model").to_json(), {"model.pkl": len})
    entry = local_store().import_(path, trust=True)
    assert Model(entry.tag, entry).load() is len
