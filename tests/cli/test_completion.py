"""The completion scripts, and what they complete."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Run, Save


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_script(run: Run, shell: str) -> None:
    result = run("completion", shell)
    assert result.exit_code == 0
    assert f"_MINIBENTO_COMPLETE={shell}_complete" in result.stdout


def test_an_unknown_shell_is_wrong_usage(run: Run) -> None:
    assert run("completion", "cmd").exit_code == 2


def test_bash_takes_the_script(run: Run) -> None:
    script = run("completion", "bash").stdout
    subprocess.run(["bash", "-n"], input=script, text=True, check=True, timeout=20)


def test_commands_and_verbs_are_completed(home: Path) -> None:
    assert completed(home, "minibento mo") == ["models"]
    assert "verify" in completed(home, "minibento models ")


def test_tags_and_aliases_are_completed_from_the_store(home: Path, save: Save, run: Run) -> None:
    tag = save("credit_risk")
    run("models", "alias", "credit_risk", "production")
    assert completed(home, "minibento models get cre") == [str(tag), "credit_risk:production"]


def test_a_store_that_cannot_be_read_completes_nothing(home: Path) -> None:
    home.write_text("no folder")
    assert completed(home, "minibento models get cre") == []


def completed(home: Path, line: str) -> list[str]:
    """What the script of bash gets for this command line, the cursor at its end."""
    done = subprocess.run(
        [sys.executable, "-c", "from minibento.cli.main import main; main()"],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "MINIBENTO_HOME": str(home),
            "_MINIBENTO_COMPLETE": "bash_complete",
            "COMP_WORDS": line,
            "COMP_CWORD": str(line.count(" ")),
        },
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    return [one.partition(",")[2] for one in done.stdout.split()]
