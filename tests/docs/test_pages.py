"""The sessions shown on the pages happen as they are shown."""

import doctest
import re
from pathlib import Path

import pytest

import minibento

DOCS = Path(__file__).parents[2] / "docs"
# As Sphinx runs them.
FLAGS = doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL | doctest.DONT_ACCEPT_TRUE_FOR_1


def session(page: Path) -> str:
    """All `{doctest}` blocks of a page, which are one session."""
    blocks = re.findall(r"(?ms)^```\{doctest\}\n(.*?)^```$", page.read_text("utf-8"))
    return "\n\n".join(blocks)


PAGES = [page for page in sorted(DOCS.glob("*.md")) if session(page)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_pages_session_runs_as_shown(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINIBENTO_HOME", str(tmp_path))
    names = {"minibento": minibento}
    test = doctest.DocTestParser().get_doctest(session(page), names, page.name, str(page), 0)
    printed: list[str] = []
    outcome = doctest.DocTestRunner(optionflags=FLAGS).run(test, out=printed.append)
    assert outcome.attempted > 0
    assert outcome.failed == 0, "".join(printed)
