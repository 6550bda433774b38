"""The program that describes a service for a bundle: imports it and tells what it found, as JSON.

    python -P -m minibento.packager.described DESCRIPTOR PARENT

The place comes on standard input. User code may print what it likes: the answer goes to the
descriptor. PARENT is the process that asks.
"""

import json
import os
import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from minibento.errors import MinibentoError
from minibento.models.resolving import recording
from minibento.packager.guard import guarded
from minibento.processes.describe import described
from minibento.processes.place import Place
from minibento.processes.told import told
from minibento.processes.user_service import service_at

__all__ = ["main"]


def main() -> None:
    """Describe one service."""
    answer_to, me = int(sys.argv[1]), os.getpid()
    given = json.load(sys.stdin)
    place = Place.from_json(given["place"])
    _hide(Path(given["hidden"]))
    sys.dont_write_bytecode = True
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    try:
        answer = _answer(place)
    except BaseException as error:  # noqa: BLE001 - whatever user code raises
        answer = {"failed": told(error, place.folder), "missing": _missing(error, place.folder)}
    if os.getpid() == me:  # not a copy that user code has made of this process
        with os.fdopen(answer_to, "w") as pipe:
            json.dump(answer, pipe)
    # Not after threads of user code that never end.
    with suppress(OSError, ValueError, AttributeError):  # it may have closed or replaced it
        sys.stdout.flush()
    os._exit(0)


def _hide(folder: Path) -> None:
    """Keep the project's own folder off the path: only what is in the bundle may be found."""
    sys.path[:] = [one for one in sys.path if Path(one or ".").resolve() != folder]


def _answer(place: Place) -> dict[str, Any]:
    with recording() as found:
        service = service_at(place)
    from minibento.asgi.openapi import openapi  # not before user code has loaded what it needs

    module = sys.modules[place.module]
    attribute = place.attribute or next(
        name for name, value in vars(module).items() if value is service
    )
    document = openapi(service.declaration)
    return {
        **described(service),
        "attribute": attribute,
        "models": found,
        "openapi": document,
        "summary": document["info"]["description"],
    }


def _missing(error: BaseException, folder: Path) -> list[str]:
    """Paths below the folder, one of which user code missed; empty if it failed otherwise."""
    cause: BaseException | None = error
    while isinstance(cause, MinibentoError) and cause.__cause__ is not None:
        cause = cause.__cause__
    if isinstance(cause, ModuleNotFoundError) and cause.name:
        base = cause.name.replace(".", "/")
        return [f"{base}.py", f"{base}/__init__.py"]
    if isinstance(cause, FileNotFoundError) and isinstance(cause.filename, str):
        path = Path(cause.filename)
        path = path if path.is_absolute() else folder / path
        if path.is_relative_to(folder):
            return [path.relative_to(folder).as_posix()]
    # Libraries raise errors of their own about a file that is not there.
    inside = re.search(re.escape(f"{folder}/") + r"([^'\"\s]+)", str(cause))
    return [inside[1]] if inside else []


if __name__ == "__main__":
    guarded(main, int(sys.argv[2]))
