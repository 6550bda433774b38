"""Proves that a model just written loads where its script is not, and answers as before.

Knows how to start a fresh interpreter; what happens in there is `minibento.models.fresh`.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from minibento.errors import SaveRefused
from minibento.models.about import ANSWERS, About
from minibento.models.answers import difference
from minibento.models.fresh import OUTCOME, TASK
from minibento.store.staging import scratch
from minibento.wire.values import decode_bytes
from minibento.wording import sentence

__all__ = ["check"]

# -P, and a working directory elsewhere: what lies beside the script is not there when serving.
# minibento's own folder goes last, in case it is not installed but on the path of the script.
_START = (
    "import sys; sys.path.append(sys.argv.pop(1)); "
    "from minibento.models.fresh import main; main(sys.argv[1])"
)
_OWN_FOLDER = str(Path(__file__).parents[2])


class InFreshInterpreter(Exception):
    """What was raised there, as text: the traceback."""


def check(name: str, directory: Path, about: About, answers: bytes | None) -> None:
    """Load the model in `directory` in a fresh interpreter; compare its answers with `answers`.

    Raises:
        SaveRefused: it does not load there, or answers otherwise; the message says why.
    """
    with scratch() as results:
        task = {
            "directory": str(directory.absolute()),
            "about": about.to_json(),
            "answer": answers is not None,
        }
        _run(name, results, task)
        if answers is None:
            return
        loaded = decode_bytes((results / ANSWERS).read_bytes())
    found = difference(decode_bytes(answers), loaded)
    if found is not None:
        raise SaveRefused(
            f"{name} was not saved: loaded again it answers example_input otherwise than before: "
            f"{found}. A model that draws random numbers is saved with check=False"
        )


def _run(name: str, results: Path, task: dict[str, Any]) -> None:
    (results / TASK).write_text(json.dumps(task), "utf-8")
    ended = subprocess.run(
        [sys.executable, "-P", "-W", "ignore", "-c", _START, _OWN_FOLDER, str(results)],
        cwd=results,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    outcome = results / OUTCOME
    if not outcome.exists():
        last = ended.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise SaveRefused(
            f"{name} was not saved: a fresh interpreter that loads it ended with status "
            f"{ended.returncode}{': ' if last else ''}{''.join(last)}"
        )
    _judge(name, json.loads(outcome.read_text("utf-8")))


def _judge(name: str, outcome: dict[str, Any]) -> None:
    if outcome["failed"] is None:
        return
    does = "load it" if outcome["failed"] == "load" else "answer example_input"
    what = f"{name} was not saved: a fresh interpreter, started elsewhere, cannot {does}: "
    module = outcome["module"]
    if module is None:
        message = (
            f"{what}{sentence(outcome['error'])} What the model needs must come with it: it may "
            "not rely on what the script set up"
        )
    else:
        message = (
            f"{what}it needs the module {module!r}, which is found only from where the script "
            "runs. Define what the model needs in the script itself, or call "
            f"cloudpickle.register_pickle_by_value({module}) before saving, or put {module} into "
            "an installed package"
        )
    # As its cause it is printed above the refusal, whose mend is then what one reads last.
    raise SaveRefused(message) from InFreshInterpreter(f"\n{outcome['traceback']}")


def _environment() -> dict[str, str]:
    """This environment; relative entries of PYTHONPATH mean what they mean here."""
    environment = dict(os.environ)
    if path := environment.get("PYTHONPATH"):
        parts = [str(Path(part).absolute()) for part in path.split(os.pathsep) if part]
        environment["PYTHONPATH"] = os.pathsep.join(parts)
    return environment
