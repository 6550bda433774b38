"""What each way of starting minibento may load, asked of a fresh interpreter."""

import subprocess
import sys

HEAVY = {"numpy", "pandas", "scipy", "sklearn", "xgboost", "starlette", "uvicorn", "pydantic"}


def loaded_by(code: str) -> set[str]:
    """Top-level modules in `sys.modules` after `code` has run."""
    report = "import sys; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return set(done.stdout.split())


def test_importing_the_face_loads_nothing_heavy() -> None:
    assert not loaded_by("import minibento") & (HEAVY | {"click", "yaml", "msgspec"})


def test_the_help_of_the_command_line_loads_nothing_heavy() -> None:
    code = """
import sys
from minibento.cli.main import main
try:
    main(["--help"])
except SystemExit:
    pass
"""
    assert not loaded_by(code) & HEAVY


def test_moving_a_version_through_a_folder_loads_no_client() -> None:
    code = """
from minibento.cli import store_moves
from minibento.remotes.address import Address
from minibento.remotes.base import opened
with opened(Address.parse("file:///tmp"), writing=False):
    pass
"""
    assert not loaded_by(code) & (HEAVY | {"httpx2", "fsspec", "s3fs", "botocore"})


def test_looking_into_the_store_loads_no_array_library() -> None:
    assert not loaded_by("import minibento; minibento.models") & {"pandas", "sklearn", "starlette"}


def test_a_runner_worker_loads_no_web_framework() -> None:
    loaded = loaded_by("import minibento.runners.worker")
    assert not loaded & {"starlette", "uvicorn", "pandas", "sklearn"}


def test_what_a_supervisor_is_made_of_loads_nothing_heavy() -> None:
    parts = ("config.layers", "config.table", "log", "processes.asking", "processes.cpus")
    code = "; ".join(f"import minibento.{part}" for part in parts)
    assert not loaded_by(code) & (HEAVY | {"click", "yaml", "msgspec"})


def test_the_supervisor_loads_no_user_code_and_nothing_heavy() -> None:
    code = "import minibento.processes.supervisor.server, minibento.cli.serve"
    assert not loaded_by(code) & (HEAVY | {"yaml", "msgspec", "cloudpickle", "uvloop"})


def test_a_runner_workers_process_loads_no_web_framework() -> None:
    loaded = loaded_by("import minibento.processes.child, minibento.processes.runner_worker")
    assert not loaded & {"starlette", "uvicorn", "pandas", "sklearn"}


def test_an_api_workers_process_loads_no_model_library() -> None:
    loaded = loaded_by("import minibento.processes.child, minibento.processes.api_worker")
    assert not loaded & {"pandas", "sklearn", "xgboost", "scipy"}
