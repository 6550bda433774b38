"""The demo, as `make demo` runs it."""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

DEMO = Path(__file__).parents[2] / "examples" / "credit_risk" / "demo.py"


def test_the_demo_prints_real_decisions_and_leaves_nothing_behind(tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    environment.pop("MINIBENTO_HOME", None)
    done = subprocess.run(
        [sys.executable, str(DEMO)],
        cwd=tempfile.gettempdir(),
        env=environment,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"APPROVED  risk 0\.\d\d", done.stdout)
    assert re.search(r"DECLINED  risk 0\.\d\d", done.stdout)
    assert re.search(r"twelve years old +refused +age: ", done.stdout)
    assert list(tmp_path.iterdir()) == []
