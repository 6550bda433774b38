import json
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import minibento
from minibento.bundles.bundle import Bundle
from minibento.bundles.facts import Container
from minibento.bundles.machine import this_platform, this_python
from minibento.errors import BuildError, Corrupt, NotFound
from minibento.packager.build import Aim, Built, build, bundle_name
from minibento.packager.build_file import find_build_file
from minibento.processes.place import Place
from minibento.store.home import local_store
from minibento.tag import Tag
from tests.packager.projects import SERVICE, project, save_doubler, write_lock

HERE = Aim(False, this_python(), this_platform())


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MINIBENTO_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def folder(tmp_path: Path, home: Path) -> Path:
    save_doubler()
    folder = project(tmp_path / "project").resolve()
    write_lock(folder, "doubler")
    return folder


def built(folder: Path, aim: Aim = HERE) -> Built:
    return build(find_build_file(folder), Place(folder, "service", None), aim, lambda _: None)


def test_a_bundle_has_code_models_libraries_and_documents(folder: Path) -> None:
    (folder / "minibento.yaml").write_text(
        "labels: {owner: risk}\ncontainer: {packages: [libgomp1]}\n"
    )
    entry = built(folder).entry
    exact = str(minibento.models.get("doubler").tag)
    bundle = Bundle(entry.path)
    assert entry.tag.name == "doubling"
    assert bundle.facts.service == "service:Doubling"
    assert bundle.facts.models == {"doubler:latest": exact}
    assert bundle.facts.runners == {"model": exact}
    assert bundle.facts.labels == {"owner": "risk"}
    assert bundle.facts.container == Container(packages=("libgomp1",))
    assert (bundle.code / "service.py").read_text() == SERVICE
    assert bundle.read("requirements.lock") == (folder / "requirements.lock").read_bytes()
    assert b"./wheels/minibento-" in bundle.read("environment.lock")
    assert list(json.loads(bundle.read("openapi.json"))["paths"]) == ["/double"]
    assert b"POST /double" in bundle.read("README.md")
    assert json.loads(bundle.read("sbom.json"))["bomFormat"] == "CycloneDX"
    assert not (local_store("bundles").folder / ".staging").exists() or not list(
        (local_store("bundles").folder / ".staging").iterdir()
    )


def test_an_unchanged_project_gives_the_same_tag_and_nothing_new(folder: Path) -> None:
    first, again = built(folder), built(folder)
    assert (first.new, again.new) == (True, False)
    assert first.entry.tag == again.entry.tag


def test_the_same_input_gives_the_same_digest_on_another_path_and_machine_state(
    folder: Path, tmp_path: Path, home: Path
) -> None:
    first = built(folder).entry
    other = tmp_path / "elsewhere" / "deep"
    shutil.copytree(folder, other)
    for path in other.iterdir():
        os.utime(path, (1, 1))
        path.chmod(0o600)
    program = (
        "import os, sys; os.umask(0o077); from minibento.cli.main import main;"
        "main(['build', sys.argv[1], '-o', 'json'])"
    )
    shutil.copytree(home / "models", tmp_path / "home2" / "models")
    said = subprocess.run(
        [sys.executable, "-c", program, str(other)],
        env={**os.environ, "MINIBENTO_HOME": str(tmp_path / "home2"), "TZ": "Asia/Tokyo"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(said.stdout)["tag"] == str(first.tag)


def test_no_path_or_address_is_in_any_file(folder: Path, tmp_path: Path) -> None:
    entry = built(folder).entry
    planted = [str(folder), str(tmp_path), str(Path.home()), "--index-url"]
    for one in entry.files:
        data = entry.read(one.path)
        if one.path.startswith("models/"):
            continue  # the model's own bytes are what was saved
        for text in planted:
            assert text.encode() not in data, (one.path, text)


def test_a_models_other_version_makes_another_bundle_and_tags_are_pinned(folder: Path) -> None:
    first = built(folder).entry
    save_doubler(3)
    second = built(folder).entry
    assert first.tag != second.tag
    old, new = (Bundle(one.path).facts.models["doubler:latest"] for one in (first, second))
    assert old != new
    assert Bundle(first.path).model(Tag.parse("doubler")).tag == Tag.parse(old)


def test_a_model_that_only_the_build_file_names_goes_in(folder: Path) -> None:
    minibento.picklable_model.save_model(
        "other", {"a": 1}, signatures={"get": {"batchable": False}}
    )
    (folder / "minibento.yaml").write_text("models: [other]\n")
    write_lock(folder, "doubler", "other")
    bundle = Bundle(built(folder).entry.path)
    assert bundle.model(Tag.parse("other:latest")).tag == minibento.models.get("other").tag


def test_a_model_that_nobody_named_fails_the_build_by_its_tag(folder: Path) -> None:
    minibento.picklable_model.save_model("late", {"a": 1}, signatures={"get": {"batchable": False}})
    late = SERVICE + "\n    def __init__(self):\n        minibento.models.get('late').load()\n"
    project(folder, service=late)
    with pytest.raises(BuildError, match=r"late:latest is not in the bundle .* models:"):
        built(folder)
    assert local_store("bundles").list() == []


def test_a_file_that_is_opened_only_at_the_start_fails_the_build_by_name(folder: Path) -> None:
    opening = (
        "from pathlib import Path\n"
        + SERVICE
        + ("\n    def __init__(self):\n        (Path(__file__).parent / 'words.txt').read_text()\n")
    )
    project(folder, service=opening)
    (folder / "words.txt").write_text("a")
    with pytest.raises(BuildError, match=r"words\.txt"):
        built(folder)
    assert local_store("bundles").list() == []


def test_a_model_that_was_damaged_is_not_bundled(folder: Path) -> None:
    entry = local_store().get("doubler")
    damaged = entry.path / entry.files[-1].path
    damaged.chmod(0o644)
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"!")
    with pytest.raises(Corrupt, match="is not what was saved"):
        built(folder)


def test_a_stale_lock_fails_the_build(folder: Path) -> None:
    (folder / "minibento.yaml").write_text("python: {requirements: [httpx2]}\n")
    with pytest.raises(BuildError, match=r"stale \(\+ httpx2\): `minibento lock` renews it"):
        built(folder)


def test_a_model_that_is_not_stored_is_named(folder: Path) -> None:
    (folder / "minibento.yaml").write_text("models: [nobody]\n")
    with pytest.raises(NotFound, match="nobody"):
        built(folder)


def test_what_cannot_start_here_is_built_without_a_start(folder: Path) -> None:
    aim = Aim(False, "3.12", "linux/arm64")
    write_lock(folder, "doubler", python="3.12", platform="linux/arm64")
    said: list[str] = []
    entry = build(find_build_file(folder), Place(folder, "service", None), aim, said.append).entry
    assert Bundle(entry.path).facts.platform == "linux/arm64"
    assert said == ["not started: it is for Python 3.12 on linux/arm64"]


def test_files_of_a_bundle_are_read_only(folder: Path) -> None:
    entry = built(folder).entry
    modes = {stat.S_IMODE((entry.path / one.path).stat().st_mode) for one in entry.files}
    assert modes == {0o444}


@pytest.mark.parametrize(
    ("service", "name"),
    [
        ("CreditRisk", "credit_risk"),
        ("HTTPDoor", "http_door"),
        ("credit risk/2", "credit-risk-2"),
        ("x" * 100, "x" * 63),
    ],
)
def test_a_bundle_is_called_as_its_service(service: str, name: str) -> None:
    assert bundle_name(service) == name


def test_a_service_whose_name_gives_no_tag_is_refused() -> None:
    with pytest.raises(BuildError, match=re.escape("@minibento.service(name=")):
        bundle_name("信用")
