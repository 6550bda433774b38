"""How the command line fails, and what it costs to start."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest

from minibento.cli import main as main_module
from minibento.cli.main import main, root
from tests.cli.conftest import Run


def test_help_names_every_command(run: Run) -> None:
    result = run("--help")
    assert result.exit_code == 0
    assert all(name in result.stdout for name in main_module.COMMANDS)


def test_every_command_of_the_tables_can_be_imported_under_its_name() -> None:
    context = click.Context(root)
    for name in root.list_commands(context):
        command = root.get_command(context, name)
        assert command is not None
        assert command.name == name
        if isinstance(command, click.Group):
            for verb in command.list_commands(context):
                found = command.get_command(context, verb)
                assert found is not None
                assert found.name == verb


def test_version_is_printed(run: Run) -> None:
    assert run("--version").stdout.startswith("minibento 0.")


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [(["serv"], "serve"), (["models", "lst"], "list"), (["--versoin"], "--version")],
)
def test_a_slip_in_a_command_or_option_is_answered_with_what_was_meant(
    run: Run, arguments: list[str], meant: str
) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert "did you mean" in result.stderr.lower()
    assert meant in result.stderr


def test_a_command_like_no_other_is_answered_with_all_of_them(run: Run) -> None:
    said = run("xyzzy").stderr
    assert "init, build, lock, serve, reload, status, models, bundles, containerize" in said


def test_a_users_error_is_one_line_and_exit_code_1(run: Run) -> None:
    result = run("models", "get", "nosuch")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert "Traceback" not in result.stderr


def test_what_an_error_quotes_does_not_drive_the_terminal(run: Run) -> None:
    result = run("models", "import", "a\x1b[2J\r\nError: b\u2028.zip")
    assert result.exit_code == 1
    assert r"a\x1b[2J\r\nError: b\u2028.zip" in result.stderr
    assert result.stderr.count("\n") == 1


def test_debug_keeps_the_traceback(run: Run) -> None:
    result = run("--debug", "models", "get", "nosuch")
    assert result.exit_code == 1
    assert type(result.exception).__name__ == "NotFound"


def test_what_nobody_expected_is_one_line_that_names_debug(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = click.Command("broken", callback=lambda: dict[str, int]()["key"])
    monkeypatch.setattr(root, "get_command", lambda *_: broken)
    result = run("models")
    assert result.exit_code == 1
    assert "KeyError: 'key'" in result.stderr
    assert "minibento --debug" in result.stderr


def test_main_leaves_with_the_exit_code() -> None:
    with pytest.raises(SystemExit) as left:
        main(["serve", "--port", "many"])
    assert left.value.code == 2


def test_ctrl_c_while_a_module_is_imported_leaves_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "service.py").write_text(
        "import threading\nprint('importing', flush=True)\nthreading.Event().wait(60)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "minibento.cli", "serve", "--port", "0"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "importing\n"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "Traceback" not in errors


def test_help_costs_at_most_120_ms_over_a_bare_interpreter() -> None:
    # The shortest of several: what else the machine does only ever adds.
    assert _shortest("-m", "minibento.cli", "--help") - _shortest("-c", "pass") < 0.120


def _shortest(*arguments: str) -> float:
    def once() -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True, timeout=60)
        return time.perf_counter() - start

    return min(once() for _ in range(5))
