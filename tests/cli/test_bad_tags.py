"""Every command that takes a tag refuses bad ones in the same way, and touches nothing (S12)."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import Result

from minibento import tag as tag_rules
from minibento.errors import BuildError, InvalidTag
from minibento.packager.build import bundle_name
from minibento.tag import Tag
from tests.bundles.making import make_bundle
from tests.cli.conftest import Run, Save

BAD = [
    "../x",
    "a/../../b",
    "/etc/passwd",
    "..",
    " ..",
    "a:b:c",
    "a:../b",
    "a:",
    ":a",
    "a\x00b",
    "a\nb",
    "a\n",
    "%2e%2e",
    "%252e%252e%252f",
    "$(id)",
    ";rm",
    "-rf",
    "CON",
    "a" * 256,
    "\u00e9",
    "e\u0301",
    "\uff41",
    "\udc80",
    "",
    *(" ", "\t", "\n", "\r", "\x0b", "\x0c", "\u00a0", "\u2003"),
]
OF_MODELS = [
    ["models", "get", "--", "{}"],
    ["models", "get", "-o", "json", "--", "{}"],
    ["models", "list", "--", "{}"],
    ["models", "delete", "--yes", "--force", "--", "{}"],
    ["models", "verify", "--", "{}"],
    ["models", "export", "--", "{}", "out.model"],
    ["models", "alias", "--", "{}"],
    ["models", "alias", "--", "{}", "production"],
    ["models", "alias", "--rollback", "--", "{}", "production"],
    ["models", "alias", "--delete", "--", "{}", "production"],
    ["models", "alias", "--", "kept", "{}"],
    ["models", "alias", "--rollback", "--", "kept", "{}"],
    ["models", "alias", "--delete", "--", "kept", "{}"],
]
COMMANDS = [
    *OF_MODELS,
    *(["bundles", *command[1:]] for command in OF_MODELS),
    ["bundles", "tree", "--", "{}"],
    ["bundles", "diff", "--", "{}", "kept"],
    ["bundles", "diff", "--", "kept", "{}"],
    ["containerize", "--", "{}"],
    ["containerize", "--write", "image", "--", "{}"],
    ["init", "new", "--model", "{}"],
]


def check_refused(run: Run, folder: Path, command: list[str], tags: Sequence[str]) -> None:
    """All of these are no valid tags to this command, and nothing in the folder is touched."""
    before = _tree(folder)
    for tag in tags:
        result = run(*(part.replace("{}", tag) for part in command))
        assert result.exit_code == 1, (tag, result.output)
        assert result.stderr.startswith("Error: "), (tag, result.output)
        assert result.stderr.count("\n") == 1, (tag, result.output)
        assert "is not a valid" in result.stderr, (tag, result.output)
        assert result.stdout == "", (tag, result.output)
    assert _tree(folder) == before


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_bad_tag_is_refused_alike_by_every_command(
    run: Run, save: Save, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    save("kept")
    make_bundle("x = 1\n", name="kept")
    check_refused(run, tmp_path, command, BAD)


def test_the_detector_sees_a_tag_that_is_taken_and_a_file_that_is_touched(
    run: Run, save: Save, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control of S12."""

    def touching(*arguments: str) -> Result:
        (tmp_path / "touched").touch()
        return run(*arguments)

    get = ["models", "get", "--", "{}"]
    with pytest.raises(AssertionError, match="touched"):
        check_refused(touching, tmp_path, get, BAD)
    monkeypatch.setattr(tag_rules, "_NAME", re.compile(r"(?s).*"))
    for tag in BAD:
        with pytest.raises(AssertionError):
            check_refused(run, tmp_path, get, [tag])


@pytest.mark.parametrize("tag", BAD)
def test_the_refusal_is_that_of_the_tag_itself(run: Run, tag: str) -> None:
    with pytest.raises(InvalidTag) as refused:
        Tag.parse(tag)
    assert run("models", "get", "--", tag).stderr == f"Error: {refused.value}\n"


@pytest.mark.parametrize("command", [["serve"], ["reload"], ["status"]], ids=" ".join)
@pytest.mark.parametrize("tag", BAD)
def test_where_more_than_a_tag_is_taken_a_bad_one_is_refused_in_one_line(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str], tag: str
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    before = _tree(tmp_path)
    result = run(*command, "--", tag)
    assert result.exit_code == 1, result.output
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    assert "not expected here" not in result.stderr
    assert _tree(tmp_path) == before


@pytest.mark.parametrize("service", BAD)
def test_a_service_called_so_gives_a_plain_tag_or_none(service: str) -> None:
    try:
        name = bundle_name(service)
    except BuildError:
        return
    assert Tag.parse(name) == Tag(name)
    assert Path(name).name == name
    assert not name.startswith(".")


def _tree(path: Path) -> dict[str, bytes | None]:
    return {
        str(one.relative_to(path)): one.read_bytes() if one.is_file() else None
        for one in path.rglob("*")
    }
