"""A model is loaded again in a fresh interpreter before it is kept."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from minibento import models, picklable_model
from minibento.errors import SaveRefused
from tests.models.stored import files_below

ROOT = str(Path(__file__).parents[2])


def run_script(folder: Path, home: Path, code: str, path: str = ROOT) -> str:
    """Run a training script as a user would, in its folder; what it printed."""
    (folder / "train.py").write_text(textwrap.dedent(code))
    ended = subprocess.run(
        [sys.executable, "train.py"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, "MINIBENTO_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    return ended.stdout + ended.stderr


SIBLING = """
    import features
    from minibento import picklable_model
    {register}
    print(picklable_model.save_model("m", features.double, example_input=[1, 2]))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "features.py").write_text("def double(x):\n    return 2 * x\n")
    return folder


def test_a_module_beside_the_script_is_named_and_nothing_saved(folder: Path, home: Path) -> None:
    said = run_script(folder, home, SIBLING.format(register=""))
    assert "SaveRefused: m was not saved" in said
    assert "needs the module 'features'" in said
    assert "cloudpickle.register_pickle_by_value(features)" in said
    assert models.list() == []
    assert files_below(home) == []


def test_a_module_registered_by_value_travels_along(folder: Path, home: Path) -> None:
    register = "import cloudpickle; cloudpickle.register_pickle_by_value(features)"
    said = run_script(folder, home, SIBLING.format(register=register))
    assert said.startswith("m:"), said
    assert models.get("m").load()(21) == 42
    assert models.get("m").answers() == {"__call__": [2, 4]}


def test_a_folder_that_the_environment_puts_on_the_path_stays_there(
    folder: Path, home: Path
) -> None:
    said = run_script(folder, home, SIBLING.format(register=""), f"{ROOT}{os.pathsep}.")
    assert said.startswith("m:"), said


def test_what_the_script_defines_travels_along(folder: Path, home: Path) -> None:
    said = run_script(
        folder,
        home,
        """
        from dataclasses import dataclass
        from minibento import picklable_model
        FACTOR = 3
        @dataclass
        class Times:
            plus: int
            def predict(self, x): return FACTOR * x + self.plus
        signatures = {"predict": {"batchable": False}}
        print(picklable_model.save_model("m", Times(1), signatures=signatures, example_input=[1]))
        """,
    )
    assert said.startswith("m:"), said
    assert models.get("m").load().predict(2) == 7


def test_custom_objects_are_loaded_there_too(folder: Path, home: Path) -> None:
    said = run_script(
        folder,
        home,
        """
        import features
        from minibento import picklable_model
        picklable_model.save_model("m", print, custom_objects={"f": features.double})
        """,
    )
    assert "needs the module 'features'" in said
    assert models.list() == []


def test_an_answer_that_differs_is_shown() -> None:
    pid = os.getpid()
    with pytest.raises(SaveRefused, match=r"\['__call__'\]\[0\]: True became False.*check=False"):
        picklable_model.save_model("m", lambda _: os.getpid() == pid, example_input=[1])
    assert models.list() == []


def test_an_error_in_the_fresh_interpreter_is_shown_with_its_traceback() -> None:
    pid = os.getpid()
    with pytest.raises(
        SaveRefused, match="cannot answer example_input: ZeroDivisionError"
    ) as raised:
        picklable_model.save_model("m", lambda _: 1 / (os.getpid() == pid), example_input=[1])
    assert "Traceback" in str(raised.value.__cause__)


def test_the_mend_is_what_one_reads_last(folder: Path, home: Path) -> None:
    said = run_script(folder, home, SIBLING.format(register=""))
    assert "No module named 'features'" in said
    assert said.rstrip().endswith("or put features into an installed package")


def test_an_error_that_ends_with_a_full_stop_gets_no_second_one() -> None:
    def strict(_: object) -> None:
        raise ValueError("X has no feature names.")

    with pytest.raises(SaveRefused, match=r"feature names\. example_input is"):
        picklable_model.save_model("m", strict, example_input=[1])


def test_an_interpreter_that_dies_is_a_refusal_with_its_status() -> None:
    pid = os.getpid()
    with pytest.raises(SaveRefused, match="ended with status 3"):
        picklable_model.save_model(
            "m", lambda _: os.getpid() == pid or os._exit(3), example_input=[1]
        )


def test_a_model_that_prints_or_reads_standard_input_disturbs_nothing(
    capfd: pytest.CaptureFixture[str],
) -> None:
    picklable_model.save_model("m", lambda x: print("noise") or x, example_input=[1])
    assert capfd.readouterr().out == "noise\n"  # this process's own answer, not the other's
    assert models.get("m").answers() == {"__call__": [1]}
