import sys
from pathlib import Path

import pytest

import minibento
from minibento.errors import BuildError
from minibento.packager.describe import Description, describe
from minibento.processes.place import Place
from tests.packager.projects import SERVICE, project, save_doubler


def described(folder: Path, **kept: str) -> Description:
    return describe(Place(project(folder, **kept), "service", None), folder)


@pytest.fixture(autouse=True)
def _store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINIBENTO_HOME", str(tmp_path / "home"))
    save_doubler()


def test_a_service_is_described_with_its_runners_models_and_methods(tmp_path: Path) -> None:
    found = described(tmp_path / "project")
    exact = str(minibento.models.get("doubler").tag)
    assert found.name == "Doubling"
    assert found.attribute == "Doubling"
    assert found.runners == {"model": exact}
    assert found.models == {"doubler:latest": exact}
    assert list(found.openapi["paths"]) == ["/double"]
    assert found.summary == "Doubles numbers."


def test_what_lies_in_the_project_only_cannot_be_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = project(
        tmp_path / "project", helper="factor = 2\n", service="import helper\n" + SERVICE
    )
    staged = project(tmp_path / "staged", service="import helper\n" + SERVICE)
    monkeypatch.setenv("PYTHONPATH", f"{whole}:{':'.join(sys.path)}")
    with pytest.raises(BuildError, match=rf"no module 'serve' in {whole}: put it there"):
        describe(Place(staged, "serve", None), whole)
    with pytest.raises(BuildError, match=r"No module named 'helper': put it into .* or pip inst"):
        describe(Place(staged, "service", None), whole)


def test_a_file_that_was_left_out_is_named_with_the_reason(tmp_path: Path) -> None:
    staged = project(tmp_path / "staged", service="import helper\n" + SERVICE)
    reasons = {"helper.py": "left out by .gitignore line 3"}
    with pytest.raises(
        BuildError, match=r"helper\.py is not in the bundle: left out by \.gitignore line 3"
    ):
        describe(Place(staged, "service", None), tmp_path, reasons.get)


def test_a_data_file_that_was_left_out_is_named_too(tmp_path: Path) -> None:
    reading = "open('words/de.txt')\n" + SERVICE
    staged = project(tmp_path / "staged", service=reading)
    with pytest.raises(BuildError, match=r"words/de\.txt is not in the bundle: too large"):
        describe(Place(staged, "service", None), tmp_path, {"words/de.txt": "too large"}.get)


def test_what_user_code_prints_is_no_part_of_the_answer(tmp_path: Path) -> None:
    loud = "import sys\nprint('x' * 200_000)\n" + SERVICE
    assert described(tmp_path / "project", service=loud).name == "Doubling"


def test_a_service_that_ends_its_process_is_refused_with_the_exit_code(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="exit code 3"):
        described(tmp_path / "project", service="import os\nos._exit(3)\n")


def test_a_service_that_raises_is_refused_with_the_line(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"service\.py:2: ValueError: no good"):
        described(tmp_path / "project", service="\nraise ValueError('no good')\n")
