"""The demo, as `make demo` runs it."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

DEMO = Path(__file__).parents[2] / "examples" / "credit_risk" / "demo.py"


@pytest.fixture
def folder() -> Iterator[Path]:
    """For temporary files. Paths of sockets are limited: pytest's own would exceed that."""
    with tempfile.TemporaryDirectory(prefix="mb-") as made:
        yield Path(made)


@pytest.mark.timeout(240)
def test_the_demo_prints_real_decisions_updates_and_leaves_nothing_behind(folder: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(folder)}
    environment.pop("MINIBENTO_HOME", None)
    done = subprocess.run(
        [sys.executable, str(DEMO)],
        cwd=tempfile.gettempdir(),
        env=environment,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"APPROVED  risk 0\.\d\d", done.stdout)
    assert re.search(r"DECLINED  risk 0\.\d\d", done.stdout)
    assert re.search(r"twelve years old +refused +age: ", done.stdout)
    risks = re.findall(r"a freelance without income .+ risk (0\.\d\d)", done.stdout)
    before, updated, back = risks
    assert before == back != updated
    (summary,) = re.findall(
        r"(\d+) requests meanwhile: (\d+) answered by the old version, "
        r"(\d+) by the new one, 0 failed",
        done.stdout,
    )
    asked, by_old, by_new = map(int, summary)
    assert asked == by_old + by_new
    assert min(by_old, by_new) > 0
    assert list(folder.iterdir()) == []
