"""A service as a bundle needs to know it, asked of a process of its own; runs no user code here."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minibento.errors import BuildError
from minibento.packager.trial import stop
from minibento.processes.place import Place

__all__ = ["Description", "describe"]

_MODULE = "minibento.packager.described"
# As long as a server waits for a service that is being imported.
_SECONDS = 120.0
_STOP_SECONDS = 10.0
_MISSING = "ModuleNotFoundError: No module named "


@dataclass(frozen=True, slots=True)
class Description:
    """What is known of a service without running it.

    Attributes:
        name: Of the service.
        attribute: Of the service in its module.
        runners: Each runner with the version of its model, `""` where it has none.
        models: Each tag that was asked for, with the exact one that it stands for.
        openapi: The document of its methods.
        summary: The docstring of its class.
    """

    name: str
    attribute: str
    runners: Mapping[str, str]
    models: Mapping[str, str]
    openapi: Mapping[str, Any]
    summary: str


def describe(
    place: Place, project: Path, why_missing: Callable[[str], str | None] = lambda _: None
) -> Description:
    """Import the service in a fresh process and tell what is in it.

    Args:
        place: Of the service.
        project: The folder that it is written in; unless it is the place's own, what lies there is
            hidden, so that only what was copied can be imported.
        why_missing: For a path that the service missed: why it is not there, None: it never was.

    Raises:
        BuildError: it cannot be imported, with the line that failed; or took too long.
    """
    hidden = "" if project.resolve() == place.folder.resolve() else str(project.resolve())
    answer = _ask(place, {"place": place.to_json(), "hidden": hidden}, hidden)
    if "failed" in answer:
        # The copy that is imported is nowhere once the build has failed.
        answer["failed"]["said"] = answer["failed"]["said"].replace(str(place.folder), str(project))
        raise _refused(answer, why_missing)
    runners = {name: one["version"] for name, one in answer["runners"].items()}
    return Description(
        answer["service"],
        answer["attribute"],
        runners,
        answer["models"],
        answer["openapi"],
        answer["summary"],
    )


def _ask(place: Place, question: Mapping[str, Any], hidden: str) -> dict[str, Any]:
    # A file, not a pipe: nobody reads while the child writes, and a document may be long.
    with tempfile.TemporaryFile("w+") as answer:
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", _MODULE, str(answer.fileno()), str(os.getpid())],
            cwd=place.folder,
            env=_environment(hidden),
            stdin=subprocess.PIPE,
            stdout=sys.stderr.fileno() if _has_descriptor() else subprocess.DEVNULL,
            pass_fds=[answer.fileno()],
            text=True,
            process_group=0,
        )
        try:
            child.communicate(json.dumps(question), timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            raise BuildError(
                f"{place.module} was not imported within {_SECONDS:g} s: load models in __init__ "
                "or in runners, not while the module is imported"
            ) from None
        finally:
            stop(child, _STOP_SECONDS)
        answer.seek(0)
        said = answer.read()
    try:
        return dict(json.loads(said))
    except ValueError as error:
        raise BuildError(
            f"{place.module} ended its process with exit code {child.returncode}, before it was "
            "imported"
        ) from error


def _has_descriptor() -> bool:
    try:
        return sys.stderr.fileno() >= 0
    except (OSError, ValueError):  # a test's, or a closed one
        return False


def _environment(hidden: str) -> dict[str, str]:
    """The present variables, without the project's folder where Python looks for modules."""
    environment = dict(os.environ)
    path = environment.get("PYTHONPATH", "").split(os.pathsep)
    kept = [one for one in path if one and (not hidden or str(Path(one).resolve()) != hidden)]
    environment["PYTHONPATH"] = os.pathsep.join(kept)
    return environment


def _refused(answer: Mapping[str, Any], why_missing: Callable[[str], str | None]) -> BuildError:
    said = answer["failed"]["said"]
    for path in answer["missing"]:
        why = why_missing(path)
        if why is not None:
            return BuildError(f"{said}: {path} is not in the bundle: {why}")
    mend = ": put it into the project's folder, or pip install it" if _MISSING in said else ""
    return BuildError(f"the service cannot be imported from its bundle: {said}{mend}")
