"""Runs in a fresh interpreter: loads the model just written and answers its example.

Started by `minibento.models.check` with one argument, a JSON object; leaves a JSON outcome, and the
answers, in the directory named there. Knows neither the store nor the script that saved the model.
"""

import json
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minibento.errors import MissingLibrary
from minibento.frameworks import pickled, table

__all__ = ["OUTCOME", "Unverified", "main"]

OUTCOME = "outcome.json"


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


def main(argument: str) -> None:
    """Load, answer, and write down how it went."""
    task = json.loads(argument)
    stage = "load"
    try:
        runnable = _load(task)
        stage = "answer"
        if task["example"] is not None:
            _answer(task, runnable)
        outcome: dict[str, Any] = {"failed": None}
    except Exception as error:  # noqa: BLE001 -- whatever it is, the process that saves says it
        outcome = {
            "failed": stage,
            "error": f"{type(error).__name__}: {error}",
            "module": error.name if isinstance(error, MissingLibrary) else None,
            "traceback": traceback.format_exc(),
        }
    (Path(task["results"]) / OUTCOME).write_text(json.dumps(outcome), "utf-8")


def _load(task: Mapping[str, Any]) -> Any:
    files = Unverified(Path(task["directory"]))
    if task["custom_objects"] is not None:
        pickled.loads(files.read(task["custom_objects"]))
    adapter = table.adapter(task["framework"])
    return adapter.runnable(adapter.load(files, task["options"]))


def _answer(task: Mapping[str, Any], runnable: Any) -> None:
    # Only an example needs numpy.
    from minibento.models.answers import answers_to
    from minibento.wire.values import decode_bytes, encode_bytes

    example = decode_bytes((Path(task["directory"]) / task["example"]).read_bytes())
    answers = answers_to(example, runnable, task["methods"])
    (Path(task["results"]) / task["answers"]).write_bytes(encode_bytes(answers))


if __name__ == "__main__":
    main(sys.argv[1])
