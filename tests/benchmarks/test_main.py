import subprocess
import sys

import pytest

from benchmarks import machine
from benchmarks.__main__ import EXPERIMENTS, main
from benchmarks.workplace import ROOT


def test_an_unknown_experiment_is_a_usage_error_that_names_the_known(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["nop"]) == 2
    assert "no experiment 'nop': there are noop, light" in capsys.readouterr().err


def test_every_experiment_has_its_module_and_every_module_is_an_experiment() -> None:
    modules = {path.stem for path in (ROOT / "benchmarks/experiments").glob("[!_]*.py")}
    assert modules == set(EXPERIMENTS)


def test_the_machine_is_described_with_what_figures_depend_on() -> None:
    line = machine.describe()
    assert "cores" in line
    assert "Python 3." in line
    assert "uvicorn " in line
    assert "\n" not in line


def test_figures_from_a_busy_machine_are_marked() -> None:
    assert "load 1.2 on 2 cores" in machine.warning(1.2, 2)
    assert not machine.warning(0.4, 2)


@pytest.mark.slow
def test_an_experiment_runs_from_the_command_line_and_prints_markdown() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "imports", "--quick"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.startswith("`python -m benchmarks imports --quick`\n")
    assert "| import minibento" in done.stdout
