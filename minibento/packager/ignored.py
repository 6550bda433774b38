"""Patterns as in .gitignore: which of them decides about a path; opens nothing but such files."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from minibento.errors import BuildError

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

__all__ = ["IGNORE_FILES", "Ignored", "Patterns"]

IGNORE_FILES = (".gitignore", ".minibentoignore")


class Patterns:
    """Some lines of patterns, and where they stand."""

    def __init__(self, where: str, lines: Sequence[str]) -> None:
        self._where = where
        numbered = enumerate(lines, 1)
        self._lines = [(n, one) for n, one in numbered if one.strip() and not one.startswith("#")]

    def matches(self, path: str) -> bool:
        """Whether a path, with `/`, is meant."""
        return self._spec.match_file(path)

    def decides(self, path: str) -> tuple[bool, str] | None:
        """Whether the path is meant, and by which line; None: no line is about it."""
        result = self._spec.check_file(path)
        if result.include is None or result.index is None:
            return None
        number, line = self._lines[result.index]
        return result.include, f"{self._where} line {number}: {line.strip()}"

    @cached_property
    def _spec(self) -> "GitIgnoreSpec":
        from pathspec import GitIgnoreSpec  # 20 ms that only a build needs

        try:
            return GitIgnoreSpec.from_lines(line for _, line in self._lines)
        except ValueError as error:
            raise BuildError(f"{self._where} has a pattern that is none: {error}") from error


class Ignored:
    """The ignore files of a folder and of those below it, read as one comes by."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._found: dict[str, list[Patterns]] = {}

    def reason(self, path: str) -> str | None:
        """The line that leaves a path out; None: none does. Folders end with `/`.

        The nearest file that has a word on it decides, and in it the last line, as in git.
        """
        for below, inner in _folders(path):
            for patterns in self._patterns(below):
                decided = patterns.decides(inner)
                if decided is not None:
                    return f"left out by {decided[1]}" if decided[0] else None
        return None

    def _patterns(self, folder: str) -> list[Patterns]:
        if folder not in self._found:
            self._found[folder] = [
                Patterns(f"{folder}{name}", _lines(self._root / folder / name))
                for name in reversed(IGNORE_FILES)
                if _is_own_file(self._root / folder / name)
            ]
        return self._found[folder]


def _folders(path: str) -> Iterator[tuple[str, str]]:
    """Each folder on the way to a path, the nearest first, with the path seen from there."""
    parts = path.rstrip("/").split("/")
    end = "/" if path.endswith("/") else ""
    for depth in range(len(parts) - 1, -1, -1):
        above = "".join(f"{part}/" for part in parts[:depth])
        yield above, "/".join(parts[depth:]) + end


def _is_own_file(path: Path) -> bool:
    """As in git, a link is no such file: errors would quote whatever it leads to."""
    return path.is_file() and not path.is_symlink()


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BuildError(f"{path} cannot be read: {error}") from error
