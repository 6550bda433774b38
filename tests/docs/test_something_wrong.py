"""What docs/serving.md says that answers and the log say is what they say."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "serving.md").read_text("utf-8")


def quoted() -> list[str]:
    """The phrases of the table's first column."""
    section = PAGE.partition("## When something is wrong")[2].partition("\n## ")[0]
    rows = [row.split("|")[1] for row in section.splitlines() if row.startswith("| ")][1:]
    return [phrase for row in rows for phrase in re.findall("`(.+?)`", row)]


@pytest.fixture(scope="module")
def texts() -> str:
    """All that the code may say, with nothing in the places that are filled in."""
    found = []
    for path in (ROOT / "minibento").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.JoinedStr):
                parts = [one.value for one in node.values if isinstance(one, ast.Constant)]
                found.append("".join(map(str, parts)))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    return "\n".join(found)


@pytest.mark.parametrize("phrase", quoted())
def test_a_phrase_that_is_explained_is_one_that_is_said(phrase: str, texts: str) -> None:
    # How a process has ended is put together from two places.
    for part in phrase.split(": killed by "):
        assert part in texts


def test_every_row_is_looked_at() -> None:
    assert len(quoted()) > 10
