"""docs/reliability.md says which tests hold which case, and they are there."""

import ast
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reliability.md"
HEADING = "## Every case and its test"
CASE = re.compile(r"\b[SOFM][1-9][0-9]?\b")
# What runs each test, as pytest itself collects them.
COLLECT = """
import sys
import pytest

class Told:
    @staticmethod
    def pytest_collection_modifyitems(items):
        for one in items:
            marks = {mark.name for mark in one.iter_markers()}
            run_by = "slow" if "slow" in marks else "system" if "system" in marks else "test"
            print("collected", run_by, one.nodeid.partition("[")[0])

arguments = ["--collect-only", "-q", "-s", "-m", "", "-p", "no:cacheprovider", *sys.argv[1:]]
sys.exit(pytest.main(arguments, plugins=[Told()]))
"""


@dataclass(frozen=True)
class Row:
    """One case; tests as `store/test_files.py::test_name`."""

    case: str
    tests: list[str]
    controls: list[str]
    run_by: set[str]


def rows(page: str) -> list[Row]:
    """The table; a name without a file is of the same one as that before it."""
    found = []
    for line in page.partition(HEADING)[2].splitlines():
        if CASE.match(line.removeprefix("| ")):
            case, _, tests, controls, run_by = (one.strip() for one in line.strip("|").split(" | "))
            found.append(Row(case, _named(tests), _named(controls), set(run_by.split(", "))))
    return found


def _named(cell: str) -> list[str]:
    names: list[str] = []
    for name in re.findall(r"`([^`]+)`", cell):
        file, _, test = name.partition("::")
        names.append(f"{file or file_of(names[-1])}::{test}")
    return names


def collected(files: set[str]) -> dict[str, set[str]]:
    """What runs the tests of these files, by test."""
    done = subprocess.run(
        [sys.executable, "-c", COLLECT, *(f"tests/{file}" for file in sorted(files))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = defaultdict(set)
    for run_by, name in re.findall(r"^collected (\w+) tests/(\S+)$", done.stdout, re.MULTILINE):
        found[name].add(run_by)
    return found


def check(table: Sequence[Row]) -> None:
    """Each row's tests and controls are there, are run by what it says, and bear its case's id."""
    there = collected({file_of(name) for row in table for name in (*row.tests, *row.controls)})
    for row in table:
        assert row.tests, row.case
        assert row.controls, row.case
        for name in (*row.tests, *row.controls):
            assert name in there, f"{row.case}: there is no {name}"
        assert row.run_by == set().union(*(there[name] for name in row.tests)), row.case
        for file in {file_of(name) for name in row.tests}:
            assert row.case in named_in(ROOT / "tests" / file), (row.case, file)


def file_of(name: str) -> str:
    return name.partition("::")[0]


def named_in(path: Path) -> set[str]:
    """The cases that the docstrings of a file of tests name."""
    return {
        case
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        for case in CASE.findall(ast.get_docstring(node) or "")
    }


def test_every_test_and_control_on_the_page_is_there() -> None:
    check(rows(PAGE.read_text()))


def test_every_case_that_a_test_names_is_on_the_page_once() -> None:
    listed = [row.case for row in rows(PAGE.read_text())]
    named = set().union(*(named_in(path) for path in (ROOT / "tests").rglob("test_*.py")))
    assert sorted(named) == sorted(listed)


GOOD = "`test_tag.py::test_a_tag_that_is_not_one_is_refused`"
GONE = "`test_tag.py::test_that_was_renamed`"
WRONG = {
    f"| S12 | x | {GONE} | {GOOD} | test |": "there is no test_tag.py::test_that_was_renamed",
    f"| S12 | x | {GOOD} | {GONE} | test |": "there is no test_tag.py::test_that_was_renamed",
    f"| S12 | x | {GOOD} | {GOOD} | slow |": "'slow'",
    f"| S12 | x | {GOOD} | - | test |": "S12",
    f"| F1 | x | {GOOD} | {GOOD} | test |": "'F1'",
}


def test_a_row_that_is_not_so_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    there = collected({"test_tag.py"})
    monkeypatch.setattr(f"{__name__}.collected", lambda _: there)
    check(rows(f"{HEADING}\n| S12 | x | {GOOD} | {GOOD} | test |"))
    for row, seen in WRONG.items():
        with pytest.raises(AssertionError, match=seen):
            check(rows(f"{HEADING}\n{row}"))
