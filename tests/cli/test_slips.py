"""What is written in a wrong form on the command line is answered with the form that was meant."""

import json
from pathlib import Path

import pytest

from tests.bundles.making import make_bundle
from tests.cli.conftest import Run, Save


def test_push_with_url_first_is_answered_with_the_order(run: Run, save: Save) -> None:
    save("credit")
    result = run("models", "push", "oci://host:5000/models", "credit:latest")
    assert result.exit_code == 2
    meant = "did you mean `minibento models push credit:latest oci://host:5000/models`?"
    assert meant in result.stderr


def test_push_with_url_first_shows_no_password(run: Run, save: Save) -> None:
    save("credit")
    result = run("models", "push", "oci://me:secret@host/models", "credit")
    assert result.exit_code == 1
    assert "secret" not in result.stderr


def test_alias_first_is_answered_with_the_order(run: Run, save: Save) -> None:
    save("credit")
    run("models", "alias", "credit", "production")
    for given, meant in (
        (["production", "credit"], "credit production"),
        (["production", "credit:latest"], "credit:latest production"),
        (["production", "credit", "--rollback"], "credit production --rollback"),
        (["production", "credit", "--delete"], "credit production --delete"),
    ):
        result = run("models", "alias", *given)
        assert result.exit_code == 2
        assert f"did you mean `minibento models alias {meant}`?" in result.stderr


def test_an_alias_that_is_not_there_is_no_wrong_order(run: Run, save: Save) -> None:
    save("credit")
    save("fraud")
    result = run("models", "alias", "credit", "fraud", "--rollback")
    assert result.exit_code == 1
    assert "'credit' has no alias 'fraud'" in result.stderr


def test_an_option_of_the_engine_is_told_where_it_goes(run: Run) -> None:
    result = run("containerize", "credit", "--pull")
    assert result.exit_code == 2
    assert "minibento containerize TAG -- --pull" in result.stderr
    slip = run("containerize", "credit", "--platfrom", "linux/amd64").stderr
    assert "Did you mean '--platform'?" in slip


@pytest.mark.parametrize(
    "arguments",
    [["--set", "port", "8080"], [".", "--set", "port", "8080"], ["--set", "port:", "1"]],
)
def test_a_setting_in_two_words_is_answered_with_the_one(run: Run, arguments: list[str]) -> None:
    result = run("serve", *arguments)
    assert result.exit_code == 1
    assert "write --set port=VALUE, as one word" in result.stderr


@pytest.mark.parametrize("digest", ["abc", "", "sha256:abc", "z" * 64, "a" * 65, "a" * 64 + "\n"])
def test_a_digest_that_is_none_is_refused_before_anything_is_read(run: Run, digest: str) -> None:
    imported = run("bundles", "import", "nosuch.bundle", "--sha256", digest)
    assert "is no sha256: give the 64 hex digits" in imported.stderr
    pulled = run("bundles", "pull", "oci://nosuch.invalid/x:1", "--digest", digest)
    assert "is no digest: give sha256: and 64 hex digits" in pulled.stderr
    assert (imported.exit_code, pulled.exit_code) == (1, 1)


@pytest.mark.parametrize("command", ["build", "lock"])
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("credit:latest", "there is no folder 'credit:latest': DIR is the folder of a service, ne"),
        ("service:Credit", "neither a tag nor module:Name"),
        ("nosuch", "there is no folder 'nosuch': DIR is the folder of a service"),
        ("service.py", "'service.py' is a file: DIR is the folder of a service"),
        ("x" * 5000, "there is no folder"),
    ],
)
def test_what_is_no_folder_to_build_is_told_what_is(
    run: Run, folder: Path, command: str, given: str, said: str
) -> None:
    make_bundle("x = 1\n", name="credit")
    (folder / "service.py").write_text("")
    result = run(command, given)
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_tag_where_a_name_is_listed_is_told_what_shows_it(run: Run, save: Save) -> None:
    save("credit")
    result = run("models", "list", "credit:latest")
    assert result.exit_code == 2
    assert "`minibento models get credit:latest` shows it" in result.stderr
    assert "`minibento models list credit` lists all" in result.stderr


def test_a_server_that_is_not_named_is_asked_for(run: Run) -> None:
    result = run("reload")
    assert result.exit_code == 2
    assert "Missing argument 'NAME'. `minibento status` shows the names" in result.stderr


def test_a_file_where_a_folder_is_to_be_written_is_said_to_be_one(run: Run, folder: Path) -> None:
    (folder / "service.py").write_text("")
    result = run("init", "service.py")
    assert result.exit_code == 1
    assert "service.py is a file: DIR is the folder to write into" in result.stderr


def test_a_python_that_minibento_does_not_run_on_is_refused_at_once(run: Run) -> None:
    assert "'3.9' is no minor version from 3.11 on" in run("build", "--python", "3.9").stderr


def test_an_alias_that_moves_tells_from_where_and_the_way_back(run: Run, save: Save) -> None:
    old = save("credit", "one")
    first = run("models", "alias", "credit", "production")
    assert first.stdout == f"credit:production -> {old}\n"
    new = save("credit", "two")
    moved = run("models", "alias", "credit", "production")
    back = ["models", "alias", "credit", "production", "--rollback"]
    assert moved.stdout.splitlines() == [
        f"credit:production -> {new}",
        f"before:   {old}",
        f"go back:  minibento {' '.join(back)}",
    ]
    assert run("models", "alias", "credit", "production").stdout.count("\n") == 1
    returned = run(*back).stdout.splitlines()
    assert returned[:2] == [f"credit:production -> {old}", f"before:   {new}"]
    again = returned[2].removeprefix("go back:  minibento ").split()
    assert json.loads(run(*again, "-o", "json").stdout) == {
        "alias": "production",
        "tag": str(new),
        "before": str(old),
    }
