"""The one line of a traceback that a developer looks for; knows no exception and no HTTP."""

import re
import sysconfig
from pathlib import Path

__all__ = ["last_line"]

_STEP = re.compile(r'  File "(.+)", line (\d+), in (.+)')
_MINIBENTO = Path(__file__).parents[1]
_PYTHON = Path(sysconfig.get_path("stdlib"))


def last_line(text: str) -> str:
    """`ValueError: no such home (service.py, line 12, in classify)`.

    The place is the last in the user's own code: neither in minibento, nor in a library.
    """
    lines = text.rstrip().splitlines()
    steps = [(number, found) for number, line in enumerate(lines) if (found := _STEP.match(line))]
    if not steps:
        return lines[-1] if lines else ""
    after = lines[steps[-1][0] + 1 :]
    said = next((line for line in after if not line.startswith(" ")), lines[-1])
    own = [found for _, found in steps if _is_own(Path(found[1]))]
    file, number, function = (own or [steps[-1][1]])[-1].groups()
    return f"{said} ({_shown(Path(file))}, line {number}, in {function})"


def _is_own(path: Path) -> bool:
    if {"site-packages", "dist-packages"} & set(path.parts) or str(path).startswith("<"):
        return False
    return not (path.is_relative_to(_MINIBENTO) or path.is_relative_to(_PYTHON))


def _shown(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
