"""`minibento models ...` on a real store."""

import json
import re
import stat
from pathlib import Path
from typing import Any

import pytest

from minibento.cli import store_verbs
from tests.cli.conftest import Run, Save


def test_list_shows_tag_aliases_framework_size_and_age(run: Run, save: Save) -> None:
    tag = save("credit_risk")
    run("models", "alias", "credit_risk", "production")
    header, line = run("models", "list").stdout.splitlines()
    assert header.split() == ["TAG", "ALSO", "FRAMEWORK", "SIZE", "SAVED"]
    assert tag.version is not None
    short = f"credit_risk:{tag.version[:8]}"
    assert re.split(" {3,}", line) == [short, "latest, production", "custom", "7 B", "just now"]


def test_list_as_json_is_one_document_with_exact_values(run: Run, save: Save) -> None:
    tag = save("credit_risk")
    (found,) = json.loads(run("models", "list", "-o", "json").stdout)
    assert found["tag"] == str(tag)
    assert (found["size"], found["latest"], found["aliases"]) == (7, True, [])
    assert found["labels"] == {"owner": "risk"}


def test_list_of_a_name_shows_that_name_only(run: Run, save: Save) -> None:
    save("a")
    save("b")
    (found,) = json.loads(run("models", "list", "a", "-o", "json").stdout)
    assert found["name"] == "a"


def test_list_of_a_name_that_is_not_there_is_refused(run: Run, save: Save) -> None:
    save("a")
    assert run("models", "list", "other").exit_code == 1


def test_an_empty_store_is_an_empty_list_and_a_hint_on_standard_error(run: Run) -> None:
    result = run("models", "list")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "save_model" in result.stderr
    assert json.loads(run("models", "list", "-o", "json").stdout) == []


def test_only_the_last_saved_version_is_latest(run: Run, save: Save) -> None:
    old, new = save("a", "one"), save("a", "two")
    latest = {
        one["tag"]: one["latest"] for one in json.loads(run("models", "list", "-o", "json").stdout)
    }
    assert latest == {str(old): False, str(new): True}


def test_a_broken_entry_is_listed_as_broken_and_hides_no_other(
    run: Run, save: Save, home: Path
) -> None:
    good, bad = save("a", "one"), save("a", "two")
    _break(home / "models" / "a" / str(bad.version))
    result = run("models", "list")
    assert result.exit_code == 0
    assert max(map(len, result.stdout.splitlines())) < 80
    assert " broken\n" in result.stdout
    assert f"minibento models verify {bad} says why" in result.stderr
    assert run("models", "verify", str(bad)).exit_code == 1
    entries = {one["tag"]: one for one in json.loads(run("models", "list", "-o", "json").stdout)}
    assert "error" in entries[str(bad)]
    assert entries[str(good)]["size"] == 3


def test_get_shows_what_was_recorded(run: Run, save: Save) -> None:
    tag = save("credit_risk")
    shown = run("models", "get", "credit_risk:latest").stdout
    assert str(tag) in shown
    assert "owner = risk" in shown
    assert "weights.txt" in shown
    document = json.loads(run("models", "get", "credit_risk", "-o", "json").stdout)
    assert document["about"]["framework"] == "custom"
    assert [one["path"] for one in document["files"]] == ["weights.txt"]
    assert len(document["files"][0]["sha256"]) == 64


def test_verify_finds_a_changed_byte(run: Run, save: Save, home: Path) -> None:
    tag = save("a")
    assert "all as saved" in run("models", "verify", "a").stdout
    path = home / "models" / "a" / str(tag.version) / "weights.txt"
    path.chmod(stat.S_IRUSR | stat.S_IWUSR)
    path.write_text("Weights")
    result = run("models", "verify", "a")
    assert result.exit_code == 1
    assert "weights.txt" in result.stderr


def test_delete_removes_one_version(run: Run, save: Save) -> None:
    old, new = save("a", "one"), save("a", "two")
    assert run("models", "delete", f"a:{str(old.version)[:8]}").stdout == f"deleted {old}\n"
    assert [one["tag"] for one in _listed(run)] == [str(new)]


def test_delete_without_a_version_is_wrong_usage(run: Run, save: Save) -> None:
    save("a")
    result = run("models", "delete", "a")
    assert result.exit_code == 2
    assert "a:latest" in result.stderr
    assert len(_listed(run)) == 1


def test_an_aliased_version_is_deleted_only_with_force(run: Run, save: Save) -> None:
    save("a")
    run("models", "alias", "a", "production")
    assert run("models", "delete", "a:production").exit_code == 1
    assert run("models", "delete", "a:production", "--force").exit_code == 0
    assert _listed(run) == []


@pytest.mark.parametrize(("answer", "left"), [("n\n", 1), ("\n", 1), ("y\n", 0)])
def test_delete_asks_on_a_terminal(
    run: Run, save: Save, monkeypatch: pytest.MonkeyPatch, answer: str, left: int
) -> None:
    save("a")
    monkeypatch.setattr(store_verbs, "_on_terminal", lambda: True)
    result = run("models", "delete", "a:latest", typed=answer)
    assert "for good?" in result.stderr
    assert len(_listed(run)) == left


def test_delete_with_yes_does_not_ask(
    run: Run, save: Save, monkeypatch: pytest.MonkeyPatch
) -> None:
    save("a")
    monkeypatch.setattr(store_verbs, "_on_terminal", lambda: True)
    assert "for good?" not in run("models", "delete", "a:latest", "--yes").stderr
    assert _listed(run) == []


def test_a_version_whose_manifest_is_broken_can_be_deleted(
    run: Run, save: Save, home: Path
) -> None:
    tag = save("a")
    _break(home / "models" / "a" / str(tag.version))
    assert run("models", "delete", str(tag)).exit_code == 0
    assert _listed(run) == []


def test_a_path_that_is_not_there_is_named_as_given_and_the_store_is_not_blamed(
    run: Run, save: Save, folder: Path
) -> None:
    tag = save("a")
    for command, mend in (
        (["import", "nosuch.mb"], f"check the path, {folder}/nosuch.mb was looked for"),
        (["export", str(tag), "missing/a.zip"], "there is no folder missing, make it"),
    ):
        result = run("models", *command)
        assert result.exit_code == 1
        assert f": {command[-1]}: No such file or directory: {mend}" in result.stderr
        assert "MINIBENTO_HOME" not in result.stderr


def test_an_alias_without_a_name_for_it_is_asked_for(run: Run, save: Save) -> None:
    save("a")
    result = run("models", "alias", "a:latest")
    assert result.exit_code == 2
    assert "which ALIAS is to stand for a:latest?" in result.stderr


def test_an_exported_version_comes_back_with_the_same_tag(
    run: Run, save: Save, tmp_path: Path
) -> None:
    tag, path = save("a"), tmp_path / "a.model"
    assert f"{tag} -> {path}" in run("models", "export", "a", str(path)).stdout
    run("models", "delete", "a:latest")
    refused = run("models", "import", str(path))
    assert refused.exit_code == 1
    assert "--trust" in refused.stderr
    assert f"stored {tag}" in run("models", "import", str(path), "--trust").stdout
    assert [one["tag"] for one in _listed(run)] == [str(tag)]


def test_export_and_import_as_json(run: Run, save: Save, tmp_path: Path) -> None:
    tag, path = save("a"), tmp_path / "a.model"
    exported = json.loads(run("models", "export", "a", str(path), "-o", "json").stdout)
    assert exported == {"tag": str(tag), "path": str(path), "size": path.stat().st_size}
    imported = json.loads(run("models", "import", str(path), "--trust", "-o", "json").stdout)
    assert imported["tag"] == str(tag)


def test_import_of_what_is_no_model_file_is_one_line(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_text("hello")
    for one in (path, tmp_path / "missing", tmp_path):
        result = run("models", "import", str(one))
        assert result.exit_code == 1
        assert "Traceback" not in result.stderr
        assert "not expected here" not in result.stderr


def test_an_alias_moves_rolls_back_and_goes(run: Run, save: Save) -> None:
    old = save("a", "one")
    assert run("models", "alias", "a", "production").stdout == f"a:production -> {old}\n"
    new = save("a", "two")
    run("models", "alias", "a:latest", "production")
    (standing,) = json.loads(run("models", "alias", "a", "-o", "json").stdout)
    assert standing["alias"] == "production"
    assert standing["tag"] == str(new)
    assert str(old) in standing["history"]
    assert run("models", "alias", "a").stdout.split()[-1] == str(old)
    back = json.loads(run("models", "alias", "a", "production", "--rollback", "-o", "json").stdout)
    assert back == {"alias": "production", "tag": str(old), "before": str(new)}
    assert run("models", "alias", "a", "production", "--delete").stdout == "removed a:production\n"
    assert json.loads(run("models", "alias", "a", "-o", "json").stdout) == []


def test_aliases_are_shown_as_a_table(run: Run, save: Save) -> None:
    tag = save("a")
    assert "a has no alias" in run("models", "alias", "a").stderr
    run("models", "alias", "a", "production")
    assert run("models", "alias", "a").stdout.splitlines()[1].split() == ["production", str(tag)]


@pytest.mark.parametrize(
    "arguments", [["a", "--rollback"], ["a", "--delete"], ["a", "b", "--rollback", "--delete"]]
)
def test_alias_options_that_make_no_sense_are_wrong_usage(
    run: Run, save: Save, arguments: list[str]
) -> None:
    save("a")
    assert run("models", "alias", *arguments).exit_code == 2


def _listed(run: Run) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads(run("models", "list", "-o", "json").stdout)
    return listed


def _break(version: Path) -> None:
    manifest = version / "manifest.json"
    manifest.chmod(stat.S_IRUSR | stat.S_IWUSR)
    manifest.write_text("{")
