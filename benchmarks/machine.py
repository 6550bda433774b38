"""What the figures were measured on, in one line."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from minibento import __version__

__all__ = ["describe", "warning"]

PACKAGES = (
    *("uvicorn", "uvloop", "httptools", "starlette", "pydantic"),
    *("scikit-learn", "numpy", "fastapi", "mosec"),
)


def warning(load: float, cores: int) -> str:
    """A line in Markdown if the machine is not idle enough to measure on, else nothing."""
    if load < 0.5 * cores:
        return ""
    return f"**Something else runs here (load {load:.1f} on {cores} cores): do not quote these.**\n"


def describe() -> str:
    """Date, processor, cores, load, Python, minibento's commit and the packages' versions."""
    cores = len(os.sched_getaffinity(0))
    packages = ", ".join(f"{name} {_version(name)}" for name in PACKAGES)
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {_processor()}, {cores} cores, "
        f"load {os.getloadavg()[0]:.1f} before, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, minibento {__version__}{_commit()}, {packages}"
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _commit() -> str:
    """The commit if this is a checkout, with a + if files differ from it."""
    here = Path(__file__).parent
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--exclude=*"],
            cwd=here,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return f" ({described.stdout.strip()})"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"
