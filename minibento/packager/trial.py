"""Starts a bundle once, on a port of its own, until it is ready, and stops it again.

Standard library only: the installer runs it before minibento is installed.
"""

import os
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from minibento.errors import BuildError
from minibento.store.staging import scratch

__all__ = ["start_once", "stop"]

_POLL_SECONDS = 0.02
_STOP_SECONDS = 15.0
_LAST_LINES = 20


def start_once(
    python: Path, target: str, environment: Mapping[str, str], *, seconds: float = 300.0
) -> None:
    """Serve `target` until it is ready.

    Args:
        python: The interpreter, whose environment has minibento.
        target: As `minibento serve` takes it.
        environment: Variables beside those of this process.
        seconds: It may take so long.

    Raises:
        BuildError: it is not ready by then, or ended; the message has the end of what it printed.
    """
    with scratch() as folder, tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [
                *(python, "-P", "-m", "minibento.cli.on_trial", str(os.getpid()), "serve", target),
                *("--host", "127.0.0.1", "--port", "0", "--name", "trial", "--no-access-log"),
            ],
            cwd=folder,
            env={
                **os.environ,
                "PYTHONUNBUFFERED": "1",
                "MINIBENTO_RUN_DIR": str(folder / "run"),
                **environment,
            },
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
        try:
            _wait(process, output.fileno(), time.monotonic() + seconds, seconds)
        finally:
            stop(process, _STOP_SECONDS)


def _wait(process: "subprocess.Popen[bytes]", output: int, until: float, seconds: float) -> None:
    while b"\nready: " not in b"\n" + (said := _read(output)):
        if process.poll() is not None:
            end = _end(_read(output))
            raise BuildError(f"it does not start (exit code {process.returncode}):\n{end}")
        if time.monotonic() > until:
            raise BuildError(f"it was not ready within {seconds:g} s:\n{_end(said)}")
        time.sleep(_POLL_SECONDS)


def _read(output: int) -> bytes:
    return os.pread(output, os.fstat(output).st_size, 0)


def _end(said: bytes) -> str:
    return "\n".join(said.decode("utf-8", "replace").splitlines()[-_LAST_LINES:])


def stop(process: "subprocess.Popen[Any]", seconds: float) -> None:
    """Let a guard end its child and what that has left behind."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
