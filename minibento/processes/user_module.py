"""Importing the user's own code, with what goes wrong in it as one line; knows no service."""

import importlib
import sys
import traceback
from pathlib import Path
from types import ModuleType

from minibento.errors import TargetError

__all__ = ["import_from", "is_own", "located"]

# Steps in here are never the user's own code, even where its sources lie below their folder.
_MINIBENTO = Path(__file__).parents[1]


def import_from(folder: Path, module: str) -> ModuleType:
    """Import `module` with `folder` first on the path.

    Raises:
        TargetError: it is not there, another module has its name, or it raised; then the message
            has file, line and exception.
    """
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        imported = importlib.import_module(module)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # its SystemExit too is its own failure, not our exit
        if isinstance(error, ModuleNotFoundError) and _misses_itself(error, module):
            raise TargetError(
                f"there is no module {error.name!r} in {folder}: put it there, or correct what "
                "names it, such as `service:` in minibento.yaml"
            ) from error
        raise TargetError(located(error, folder)) from error
    _refuse_namesake(imported, folder)
    return imported


def located(error: BaseException, folder: Path) -> str:
    """`file:line: Exception: text`, the place being the last in the user's code below `folder`."""
    return f"{_place(error, folder)}: {_said(error)}"


def _place(error: BaseException, folder: Path) -> str:
    if isinstance(error, SyntaxError) and error.filename:
        return f"{_shown(Path(error.filename), folder)}:{error.lineno}"
    steps = traceback.extract_tb(error.__traceback__)
    own = [step for step in steps if is_own(Path(step.filename), folder)]
    step = (own or list(steps))[-1]
    return f"{_shown(Path(step.filename), folder)}:{step.lineno}"


def is_own(path: Path, folder: Path) -> bool:
    """Whether a source file is the user's own code below `folder`."""
    if not path.is_relative_to(folder) or path.is_relative_to(_MINIBENTO):
        return False
    return "site-packages" not in path.relative_to(folder).parts


def _shown(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)


def _said(error: BaseException) -> str:
    text = error.msg if isinstance(error, SyntaxError) else " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _misses_itself(error: ModuleNotFoundError, module: str) -> bool:
    return error.name is not None and (module == error.name or module.startswith(error.name + "."))


def _refuse_namesake(imported: ModuleType, folder: Path) -> None:
    """A file named like a module that is already imported would silently not be the one asked."""
    relative = Path(*imported.__name__.split("."))
    wanted = [folder / relative.with_suffix(".py"), folder / relative / "__init__.py"]
    there = [path for path in wanted if path.is_file()]
    loaded = getattr(imported, "__file__", None)
    if there and (loaded is None or not any(path.samefile(loaded) for path in there)):
        raise TargetError(
            f"{there[0]} has the name of the module in {loaded or 'Python itself'}, which is "
            "imported in its place: give the file another name"
        )
