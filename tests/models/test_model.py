"""A model reference: facts at once, the object on demand and only from verified files."""

import json
import pickle
import random
import subprocess
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from xgboost import XGBClassifier

from minibento import models, picklable_model, sklearn, xgboost
from minibento.errors import (
    Corrupt,
    MinibentoError,
    MissingLibrary,
    NotFound,
    Untrusted,
    UsageError,
)
from minibento.frameworks import pickled
from minibento.models.about import About, Signature
from minibento.models.model import Model
from minibento.store.files import VerifiedFiles
from minibento.store.home import local_store
from minibento.store.store import Entry
from minibento.wire import values
from minibento.wire.row_spec import RowSpec
from minibento.wire.values import encode_bytes

X = np.array([[0.0], [1.0]])


def publish(about: About, files: dict[str, bytes]) -> Model:
    with local_store().draft("m") as draft:
        for name, data in files.items():
            (draft.path / name).write_bytes(data)
        return Model((entry := draft.publish(about.to_json())).tag, entry)


def altered(path: Path, offset: int) -> None:
    path.chmod(0o644)
    data = bytearray(path.read_bytes())
    data[offset] ^= 1
    path.write_bytes(data)


def test_a_file_changed_by_one_byte_is_refused_before_it_is_unpickled(tmp_path: Path) -> None:
    canary = tmp_path / "canary"

    class Evil:
        def __reduce__(self) -> Any:
            return (Path.touch, (canary,))

    picklable_model.save_model("m", Evil, custom_objects={"evil": Evil()}, check=False)
    model = models.get("m")
    for file, use in (
        ("model.pkl", model.load),
        ("custom_objects.pkl", lambda: model.custom_objects),
    ):
        altered(model.path / file, -1)  # the pickle's last byte: all before it would still run
        with pytest.raises(Corrupt):
            use()
        assert not canary.exists()
    altered(model.path / "custom_objects.pkl", -1)  # the negative control: as saved it does run
    assert model.custom_objects["evil"] is None
    assert canary.exists()


def flipped(tag: str, seed: int, count: int) -> tuple[int, int]:
    """Flip one bit after the other of all files: how many opened, how many reached a loader."""
    random_ = random.Random(seed)
    paths = sorted(path for path in models.get(tag).path.rglob("*") if path.is_file())
    good = {path: path.read_bytes() for path in paths}
    opened = reached = 0
    for _ in range(count):
        path = random_.choice(paths)
        data = bytearray(good[path])
        data[random_.randrange(len(data))] ^= 1 << random_.randrange(8)
        path.unlink()
        path.write_bytes(data)
        with spied(good.values()) as reaching:
            try:
                model = models.get(tag)
                model.load()
                _ = model.custom_objects
                model.example(), model.answers()
                opened += 1
            except MinibentoError:
                pass
        reached += bool(reaching)
        path.write_bytes(good[path])
    return opened, reached


@contextmanager
def spied(good: Collection[bytes]) -> Iterator[list[bytes]]:
    """What else than that is given to a loader meanwhile; it is not loaded."""
    reaching = list[bytes]()

    def spy(module: Any, name: str, patch: pytest.MonkeyPatch) -> None:
        load = getattr(module, name)

        def noted(data: bytes) -> Any:
            if data in good:
                return load(data)
            reaching.append(data)
            raise Corrupt("it has reached a loader")

        patch.setattr(module, name, noted)

    with pytest.MonkeyPatch.context() as patch:
        spy(pickled, "loads", patch)
        spy(values, "decode_bytes", patch)
        yield reaching


def test_each_of_a_thousand_flipped_bits_is_found_before_a_loader_sees_any(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Case S10."""
    picklable_model.save_model(
        "m", len, custom_objects={"a": 1}, example_input=["ab"], signatures={"__call__": {}}
    )
    assert flipped("m", 10, 1000) == (0, 0)
    # The negative control: read without a look at the digests, they do reach it.
    monkeypatch.setattr(
        VerifiedFiles, "read", lambda self, name: (self._folder / name).read_bytes()
    )
    _, reached = flipped("m", 11, 200)
    assert reached > 100


def test_a_changed_example_or_answer_is_refused() -> None:
    picklable_model.save_model("m", len, example_input=["a"])
    model = models.get("m")
    for file, use in (("example.msgpack", model.example), ("answers.msgpack", model.answers)):
        altered(model.path / file, 0)
        with pytest.raises(Corrupt):
            use()


def test_get_loads_nothing_and_import_is_light() -> None:
    sklearn.save_model("m", LogisticRegression().fit(X, [0, 1]), check=False)
    code = (
        "import sys; from minibento import models; m = models.get('m'); m.labels; m.method_specs();"
        "assert not {'numpy', 'sklearn', 'pydantic', 'starlette'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_load_makes_an_object_of_its_own_at_each_call() -> None:
    sklearn.save_model("m", LogisticRegression().fit(X, [0, 1]), check=False)
    model = models.get("m")
    first, second = model.load(), model.load()
    assert first is not second
    assert first.predict(X).tolist() == second.predict(X).tolist() == [0, 1]


def test_custom_objects_are_read_once_and_cannot_be_changed() -> None:
    picklable_model.save_model("m", len, custom_objects={"a": [1]}, check=False)
    model = models.get("m")
    assert model.custom_objects["a"] is model.custom_objects["a"]
    with pytest.raises(TypeError):
        model.custom_objects["b"] = 1  # type: ignore[index]


def test_byte_code_of_another_python_is_refused_before_it_is_unpickled() -> None:
    about = About("picklable_model", python="3.4", by_value=True, executes_code=True)
    about = replace(about, custom_objects=("a",))
    model = publish(about, {"model.pkl": b"never read", "custom_objects.pkl": b"never read"})
    with pytest.raises(UsageError, match=r"Python 3\.4"):
        model.load()
    with pytest.raises(UsageError, match=r"Python 3\.4"):
        _ = model.custom_objects


def test_another_python_is_no_obstacle_to_data() -> None:
    picklable_model.save_model("m", len, check=False)
    entry = local_store().get("m")
    about = About.from_json({**entry.about, "python": "3.4"})
    assert publish(about, {"model.pkl": entry.open_files().read("model.pkl")}).load() is len


def test_a_differing_library_version_warns_at_load_where_the_user_called() -> None:
    picklable_model.save_model("m", len, check=False)
    entry = local_store().get("m")
    about = About.from_json({**entry.about, "libraries": {"numpy": "1.0"}})
    model = publish(about, {"model.pkl": entry.open_files().read("model.pkl")})
    with pytest.warns(models.VersionMismatch, match=r"numpy 1\.0") as caught:
        model.load()
    assert caught[0].filename == __file__


def test_a_framework_of_a_newer_minibento_is_named() -> None:
    with pytest.raises(NotFound, match="'prophet'"):
        publish(About("prophet"), {"model.bin": b"1"}).load()


def test_a_missing_library_says_which_extra_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    model = publish(About("xgboost", options={"class": "Booster"}), {"model.ubj": b"{}"})
    monkeypatch.setitem(sys.modules, "xgboost", None)  # how Python marks what cannot be imported
    with pytest.raises(MissingLibrary, match=r"pip install 'minibento\[xgboost\]'"):
        model.load()


def test_a_manifest_of_something_else_is_corrupt_when_used() -> None:
    with local_store().draft("m") as draft:
        (draft.path / "a").write_bytes(b"1")
        entry: Entry = draft.publish(json.loads('{"anything": 1}'))
    with pytest.raises(Corrupt, match="not a model's"):
        _ = Model(entry.tag, entry).labels


@pytest.mark.parametrize(
    "about",
    [
        About("picklable_model"),
        About("sklearn", options={"format": "cloudpickle"}),
        About("sklearn", options={"format": "anything"}),
        About("sklearn"),
        About("xgboost", options={"class": "Booster"}, custom_objects=("a",)),
        About("custom"),
    ],
    ids=lambda about: about.framework,
)
def test_an_archive_that_hides_that_it_holds_code_is_never_run(
    about: About, tmp_path: Path
) -> None:
    canary = tmp_path / "canary"

    class Evil:
        def __reduce__(self) -> Any:
            return (Path.touch, (canary,))

    evil = pickle.dumps(Evil())
    hiding = publish(about, {"model.pkl": evil, "custom_objects.pkl": evil, "model.ubj": b"{}"})
    archive = local_store().export(hiding.tag, tmp_path / "hiding.zip")
    models.delete(hiding.tag)
    local_store().import_(archive)  # it says that it needs no trust
    model = models.get(hiding.tag)
    use = {"xgboost": attrgetter("custom_objects"), "custom": attrgetter("path")}
    with pytest.raises(Untrusted, match="says that the model runs no code"):
        use.get(about.framework, Model.load)(model)
    assert not canary.exists()


@pytest.mark.parametrize(
    ("method", "batchable"), [("save_model", False), ("save_model", True), ("predict", False)]
)
def test_a_harmless_file_cannot_have_other_methods_called_on_it(
    method: str, batchable: bool, tmp_path: Path
) -> None:
    target = tmp_path / "written"
    tag = xgboost.save_model("harmless", XGBClassifier(n_estimators=1).fit(X, [0, 1]))
    about = About.from_json(local_store().get(tag).about)
    assert not about.executes_code
    hostile = publish(
        replace(
            about,
            methods={method: Signature(batchable, RowSpec("list"))},
            example=True,
            answers=True,
        ),
        {
            "model.ubj": local_store().get(tag).open_files().read("model.ubj"),
            "example.msgpack": encode_bytes([str(target)]),
            "answers.msgpack": encode_bytes({method: [None]}),
        },
    )
    with pytest.raises(Untrusted), hostile.to_runner():
        pass
    assert not target.exists()


def test_methods_of_ones_own_choice_need_trust_when_imported(tmp_path: Path) -> None:
    model = XGBClassifier(n_estimators=1).fit(X, [0, 1])
    tag = xgboost.save_model("m", model, signatures={"apply": {"batchable": True}})
    assert local_store().get(tag).about["executes_code"] is True
    with models.get(tag).to_runner() as runner:
        assert runner.apply.run([0.0]) is not None


def test_calling_a_method_of_the_reference_says_what_to_add() -> None:
    tag = sklearn.save_model("line", LogisticRegression().fit(X, [0, 1]))
    model: Any = models.get(tag)
    with pytest.raises(AttributeError, match=r"'line.*computes nothing: add \.to_runner\(\)"):
        model.predict(X)
    with pytest.raises(AttributeError, match="'Model' object has no attribute 'perdict'"):
        model.perdict(X)
    assert not hasattr(model, "_nothing")
