import os
import pickle
from pathlib import Path

import pytest

import minibento
from minibento.bundles.bundle import Bundle
from minibento.bundles.fitting import refuse_other_machine
from minibento.bundles.layout import model_folder
from minibento.bundles.machine import this_platform, this_python
from minibento.errors import BuildError, Corrupt, NotFound, StoreError, Untrusted
from minibento.models.model import Model
from minibento.models.resolving import resolving
from minibento.store.home import local_store
from minibento.tag import Tag
from tests.bundles.making import facts, make_bundle
from tests.packager.projects import SERVICE, save_doubler


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINIBENTO_HOME", str(tmp_path / "home"))
    save_doubler()


def test_a_bundle_gives_its_pinned_model_whatever_the_store_holds_now() -> None:
    old = minibento.models.get("doubler").tag
    bundle = Bundle(make_bundle(SERVICE, "doubler").path)
    save_doubler(3)
    assert minibento.models.get("doubler").tag != old
    assert bundle.model(Tag.parse("doubler")).tag == old
    assert bundle.model(Tag.parse("doubler:latest")).tag == old
    assert bundle.model(old).tag == old


def test_a_tag_that_the_build_did_not_see_is_refused_with_those_it_saw() -> None:
    bundle = Bundle(make_bundle(SERVICE, "doubler").path)
    for tag in ("other", "doubler:production"):
        with pytest.raises(NotFound, match=r"whose models are doubler:latest: name it"):
            bundle.model(Tag.parse(tag))


def test_within_a_bundle_models_come_from_it_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = make_bundle(SERVICE, "doubler")
    old = minibento.models.get("doubler").tag
    save_doubler(3)
    minibento.models.alias("doubler", "production")
    monkeypatch.setenv("MINIBENTO_BUNDLE", str(entry.path))
    assert minibento.models.get("doubler").tag == old
    assert minibento.models.get("doubler").load().double([2.0]) == [4.0]
    with pytest.raises(NotFound, match="is not in the bundle"):
        minibento.models.get("doubler:production")
    with resolving({"doubler:production": None}):
        assert minibento.models.get("doubler:production").tag == Tag.parse("doubler:production")


def test_a_bundles_models_never_enter_the_model_store(tmp_path: Path) -> None:
    file = local_store("bundles").export(make_bundle(SERVICE, "doubler").tag, tmp_path)
    assert file.suffix == ".bundle"
    from minibento.store.store import Store

    other = Store(tmp_path / "other", "bundles")
    other.import_(file)
    assert Store(tmp_path / "other").list() == []


def test_a_model_that_was_changed_in_a_bundle_is_refused() -> None:
    entry = make_bundle(SERVICE, "doubler")
    tag = minibento.models.get("doubler").tag
    manifest = entry.path / model_folder(tag) / "manifest.json"
    manifest.chmod(0o644)
    manifest.write_bytes(manifest.read_bytes().replace(b"doubler", b"troubler"))
    with pytest.raises(Corrupt, match=r"manifest\.json"):
        Bundle(entry.path).model(tag)


def test_a_pickle_whose_manifest_hides_it_is_not_unpickled_in_a_bundle(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "canary"),)

    honest = local_store().get("doubler")
    for hidden in (True, False):
        with local_store().draft("evil") as draft:
            (draft.path / "model.pkl").write_bytes(pickle.dumps(Evil()))
            draft.publish({**honest.about, "executes_code": not hidden, "by_value": False})
        entry = Bundle(make_bundle(SERVICE, "evil").path).model(Tag.parse("evil"))
        if hidden:
            with pytest.raises(Untrusted):
                Model(entry.tag, entry).load()
            assert not (tmp_path / "canary").exists()
    # The detector can fail: of an honest bundle, which is code anyway, the pickle is loaded.
    Model(entry.tag, entry).load()
    assert (tmp_path / "canary").exists()


def test_a_folder_that_is_no_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Corrupt, match=r"is no bundle's"):
        Bundle(local_store().get("doubler").path)
    with pytest.raises((StoreError, Corrupt)):
        Bundle(tmp_path / "nowhere")


@pytest.mark.parametrize(("kind", "other"), [("models", "bundles"), ("bundles", "models")])
def test_an_archive_of_the_other_kind_is_refused_with_the_command(
    tmp_path: Path, kind: str, other: str
) -> None:
    tag = make_bundle(SERVICE, "doubler").tag if kind == "bundles" else "doubler"
    file = local_store(kind).export(tag, tmp_path)
    with pytest.raises(StoreError, match=f"minibento {kind} import"):
        local_store(other).import_(file, trust=True)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"python": "3.99"}, rf"made for Python 3\.99, this is {this_python()}"),
        ({"platform": "linux/s390x"}, f"made for linux/s390x, this is {this_platform()}"),
    ],
)
def test_a_bundle_for_another_machine_is_refused(change: dict[str, str], said: str) -> None:
    with pytest.raises(BuildError, match=said):
        refuse_other_machine(Tag.parse("x:1"), facts(**change))
    refuse_other_machine(Tag.parse("x:1"), facts())
