"""Servers that seem to run: a run directory of their own and a control socket that answers."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from minibento.processes.rundir import make
from tests.processes.supervisors import Answer, control_socket


@contextmanager
def servers(
    monkeypatch: pytest.MonkeyPatch, *given: tuple[str, int, Answer | None]
) -> Iterator[dict[int, list[dict[str, Any]]]]:
    """Each by name, process id and what it answers (None: nothing, it is not there any more).

    Yields what each was asked, by process id.
    """
    with ExitStack() as stack:
        where = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        monkeypatch.setenv("MINIBENTO_RUN_DIR", str(where))
        asked: dict[int, list[dict[str, Any]]] = {}
        for name, pid, answer in given:
            made = make(where, pid)
            stack.callback(made.remove)
            if name:
                made.publish(name, "http://127.0.0.1:3000")
            if answer is not None:
                asked[pid] = stack.enter_context(control_socket(made.path, answer))
        yield asked
