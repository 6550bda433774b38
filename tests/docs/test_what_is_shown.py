"""The README and the other pages show what is there."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.test_architecture import FLOORS

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
PAGES += sorted((ROOT / "examples").rglob("*.md"))


def code(page: Path, language: str) -> list[str]:
    """The fenced blocks of one language."""
    return re.findall(rf"(?ms)^```{language}\n(.*?)^```$", page.read_text("utf-8"))


def test_the_readme_shows_the_service_of_the_quickstart() -> None:
    (shown,) = code(ROOT / "README.md", "python")
    assert shown == (ROOT / "docs/code/quickstart/service.py").read_text("utf-8")
    assert len([line for line in shown.splitlines() if line]) <= 15


@pytest.mark.parametrize(
    ("page", "folder"),
    [
        ("quickstart.md", "quickstart"),
        ("from-bentoml.md", "from_bentoml"),
        ("concepts.md", "mounting"),
        ("serving.md", "serving"),
    ],
)
def test_a_page_shows_the_files_that_run(page: str, folder: str) -> None:
    shown = code(ROOT / "docs" / page, "python")
    for path in (ROOT / "docs/code" / folder).glob("*.py"):
        assert path.read_text("utf-8") in shown, f"{page} does not show {path.name} as it is"


def test_the_first_page_shows_the_service_of_the_quickstart() -> None:
    (shown,) = code(ROOT / "docs/index.md", "python")
    assert shown == (ROOT / "docs/code/quickstart/service.py").read_text("utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_code_stands_in_the_page_itself(page: Path) -> None:
    assert "{literalinclude}" not in page.read_text("utf-8"), "editors and code hosts show nothing"


def test_the_readme_names_the_two_commands_that_make_knows() -> None:
    commands = code(ROOT / "README.md", "console")[0].split("\n")[:-1]
    assert commands == ["make demo", "make test"]
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for command in commands:
        assert re.search(rf"^{command.removeprefix('make ')}:", makefile, re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_file_leads_to_one(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text("utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_python_shown_on_a_page_is_python(page: Path) -> None:
    for shown in code(page, "python"):
        compile(shown, str(page), "exec")


def tables() -> Iterator[str]:
    """First cells of the rows of the dependencies page."""
    for line in (ROOT / "docs/dependencies.md").read_text("utf-8").splitlines():
        if found := re.match(r"\| `?([\w.-]+)`? +\|", line):
            yield found[1]


def test_the_dependencies_page_has_a_reason_for_each_and_for_no_other() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    core = [re.split(r"[<>=;\s\[]", needed)[0] for needed in project["dependencies"]]
    extras = [
        extra
        for extra in project["optional-dependencies"]
        if extra not in {"test", "lint", "docs", "bench"}
    ]
    assert list(tables()) == ["package", *core, "extra", *extras]


def test_the_architecture_page_has_every_room_on_its_floor() -> None:
    page = (ROOT / "docs/architecture.md").read_text("utf-8")
    shown = [
        set(re.findall(r"`(\w+)`", rooms))
        for rooms in re.findall(r"^\| \d+ \| (.+?) \|", page, re.MULTILINE)
    ]
    there = {path.stem for path in (ROOT / "minibento").iterdir()}
    assert shown[::-1] == [floor & there for floor in FLOORS if floor & there]
