"""What the supervisor loads: nothing but the standard library and its own kind."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "module", ["notify", "parentage", "stall", "terminal", "totals", "watch_files", "debugger"]
)
def test_the_supervisors_modules_load_the_standard_library_only(module: str) -> None:
    code = f"""
import sys
before = set(sys.modules)
import minibento.processes.{module}
print(*{{name.partition(".")[0] for name in set(sys.modules) - before}})
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name for name in done.stdout.split() if not name.startswith("_sysconfigdata")}
    assert loaded - sys.stdlib_module_names == {"minibento"}
