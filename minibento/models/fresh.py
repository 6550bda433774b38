"""Runs in a fresh interpreter: loads the model just written and answers its example.

Started by `minibento.models.check` with one argument, a directory: reads its task from there and
leaves the outcome and the answers there. Knows neither the store nor the script that saves.
"""

import json
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minibento.errors import MissingLibrary
from minibento.frameworks import pickled, table
from minibento.models.about import ANSWERS, CUSTOM_OBJECTS, EXAMPLE, About

__all__ = ["OUTCOME", "TASK", "Unverified", "main"]

TASK, OUTCOME = "task.json", "outcome.json"


@dataclass(frozen=True, slots=True)
class Unverified:
    """Files that this very save has just written: there is no manifest to verify them by yet."""

    directory: Path

    def read(self, name: str) -> bytes:
        """The bytes of a file."""
        return (self.directory / name).read_bytes()

    def path(self, name: str) -> Path:
        """The path of a file."""
        return self.directory / name


def main(directory: str) -> None:
    """Load, answer, and write down how it went."""
    results = Path(directory)
    task = json.loads((results / TASK).read_text("utf-8"))
    stage = "load"
    try:
        runnable = _load(task)
        stage = "answer"
        if task["answer"]:
            _answer(task, runnable, results)
        outcome: dict[str, Any] = {"failed": None}
    except Exception as error:  # noqa: BLE001 -- whatever it is, the process that saves says it
        outcome = {
            "failed": stage,
            "error": f"{type(error).__name__}: {error}",
            "module": error.name
            if isinstance(error, ModuleNotFoundError | MissingLibrary)
            else None,
            "traceback": traceback.format_exc(),
        }
    (results / OUTCOME).write_text(json.dumps(outcome), "utf-8")


def _load(task: Mapping[str, Any]) -> Any:
    files, about = Unverified(Path(task["directory"])), About.from_json(task["about"])
    if about.custom_objects:
        pickled.loads(files.read(CUSTOM_OBJECTS))
    adapter = table.adapter(about.framework)
    return adapter.runnable(adapter.load(files, about.options))


def _answer(task: Mapping[str, Any], runnable: Any, results: Path) -> None:
    # Only an example needs numpy.
    from minibento.models.answers import answers_to
    from minibento.wire.values import decode_bytes, encode_bytes

    example = decode_bytes((Path(task["directory"]) / EXAMPLE).read_bytes())
    answers = answers_to(example, runnable, About.from_json(task["about"]).methods)
    (results / ANSWERS).write_bytes(encode_bytes(answers))
