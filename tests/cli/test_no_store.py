"""Where the store cannot be, every command that is about bundles says so (case S8)."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bundles.making import installable, make_bundle
from tests.cli.conftest import Run
from tests.packager.projects import SERVICE, project, save_doubler, write_lock

HOMES: dict[str, Callable[[Path], object]] = {
    "a file": lambda home: home.write_text("x"),
    "a loop": lambda home: home.symlink_to(home),
    "a link to nowhere": lambda home: home.symlink_to(home.with_name("nowhere")),
    "bundles is a file": lambda home: _below(home).write_text("x"),
    "bundles is a loop": lambda home: _below(home).symlink_to(_below(home)),
    "missing": lambda home: None,
}


def _below(home: Path) -> Path:
    home.mkdir(exist_ok=True)
    return home / "bundles"


def check_refused(run: Run, project: Path, out: Path) -> None:
    """Every command says in one line that there is no store that it could use."""
    for command in (
        *(["bundles", "get", "kept"], ["bundles", "verify", "kept"], ["bundles", "tree", "kept"]),
        *(["bundles", "diff", "kept", "kept"], ["bundles", "alias", "kept", "x"]),
        *(["bundles", "export", "kept", str(out)], ["containerize", "kept"], ["serve", "kept"]),
        *(["bundles", "delete", "kept:v1", "--yes"], ["build", str(project)]),
    ):
        result = run(*command)
        assert result.exit_code == 1, (command, result.output)
        assert result.stderr.startswith("Error: "), (command, result.output)
        assert result.stderr.count("\n") == 1, (command, result.output)
        assert "not expected here" not in result.output, (command, result.output)


@pytest.mark.parametrize("what", HOMES)
def test_where_no_store_can_be_every_command_says_so_in_one_line(
    run: Run, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    save_doubler()
    file = installable(tmp_path, "doubler", code=SERVICE)
    folder = project(tmp_path / "project")
    write_lock(folder, "doubler")
    home = tmp_path / "other"
    HOMES[what](home)
    monkeypatch.setenv("MINIBENTO_HOME", str(home))
    check_refused(run, folder, tmp_path)
    assert run("bundles", "list").exit_code in {0, 1}
    if what not in {"missing", "a link to nowhere"}:
        result = run("bundles", "import", str(file))
        assert result.exit_code == 1
        assert str(home) in result.stderr


def test_the_detector_sees_a_command_that_finds_a_store(
    run: Run, tmp_path: Path, home: Path
) -> None:
    """The negative control: where one is, the first command is not refused."""
    make_bundle("x = 1\n", name="kept")
    with pytest.raises(AssertionError, match="'bundles', 'get'"):
        check_refused(run, tmp_path, tmp_path)
