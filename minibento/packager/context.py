"""Which of a project's files go into its bundle, and why others do not; knows no service."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from minibento.bundles.layout import LOCK
from minibento.errors import BuildError, Corrupt
from minibento.packager.build_file import BUILD_FILE, BuildFile
from minibento.packager.ignored import Ignored, Patterns
from minibento.packager.secrets import KeySearch, forbidden_file, forbidden_folder
from minibento.packager.wheels import local_sources
from minibento.store.disk import BLOCK, disk_errors
from minibento.store.files import open_below

__all__ = ["Context", "ContextFile", "LeftOut", "context_of"]

DEFAULT = ("**/*.py", BUILD_FILE, "README.md")
MAX_FILE = 50 << 20
MAX_FILES = 20_000
MAX_BYTES = 2 << 30
_NOT_INCLUDED = f"no pattern of `include:` in {BUILD_FILE} matches it"


@dataclass(frozen=True, slots=True)
class ContextFile:
    """A file that goes in: its path below the project with `/`, and its bytes."""

    path: str
    size: int


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file that does not, or a folder of which nothing does (its path ends with `/`)."""

    path: str
    size: int
    reason: str


@dataclass(slots=True)
class Context:
    """What a bundle is made of.

    Attributes:
        folder: The project's.
        files: Sorted by path.
        left_out: The largest first.
    """

    folder: Path
    files: list[ContextFile] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)

    def why_missing(self, path: str) -> str | None:
        """Why a path of the project is not among the files; None: the project has no such file."""
        if not os.path.lexists(self.folder / path):
            return None
        for one in self.left_out:
            inside = one.path.endswith("/") and path.startswith(one.path)
            if one.path == path or inside or one.path.startswith(f"{path}/"):
                return one.reason
        return None

    def copy_to(self, target: Path) -> None:
        """Copy the files below the folder `target`, which is made.

        Raises:
            BuildError: one has changed meanwhile, or cannot be read.
        """
        target.mkdir()
        for one in self.files:
            made = target / one.path
            made.parent.mkdir(parents=True, exist_ok=True)
            _copy(self.folder, one, made)


def context_of(folder: Path, build_file: BuildFile) -> Context:
    """Find what goes in.

    Args:
        folder: The project's, absolute, without links.
        build_file: Says what is included and excluded.

    Raises:
        BuildError: a link leads out of the folder, a file is no regular one, is too large, or
            there are too many; a requirement is a folder that is not there.
    """
    context = Context(folder)
    try:
        _Search(folder, build_file, context).search("")
    except OSError as error:  # gone since its folder was listed, or not for us
        where = error.filename or folder
        raise BuildError(f"{where} cannot be read: {error.strerror or error}") from error
    context.files.sort(key=lambda one: one.path)
    context.left_out.sort(key=lambda one: (-one.size, one.path))
    _check_amount(context)
    return context


class _Search:
    """One walk through a project."""

    def __init__(self, folder: Path, build_file: BuildFile, context: Context) -> None:
        self._folder = folder
        self._context = context
        self._ignored = Ignored(folder)
        include = build_file.include
        self._packages = include is None  # their data files are part of them
        self._include = Patterns("include", DEFAULT if include is None else include)
        self._exclude = Patterns("exclude", build_file.exclude)
        self._named = frozenset(include or ())
        self._wheels = frozenset(local_sources(build_file.requirements, folder)) - {folder}

    def search(self, below: str, in_package: bool = False) -> None:
        """Everything in one folder; a path below it ends with `/`, or is empty."""
        with os.scandir(self._folder / below) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
        in_package = self._packages and (
            in_package or any(entry.name == "__init__.py" for entry in found)
        )
        for entry in found:
            path = below + entry.name
            if entry.is_dir(follow_symlinks=False):
                self._directory(path)
            else:
                self._file(path, entry, in_package)

    def _directory(self, path: str) -> None:
        forbidden = forbidden_folder(self._folder / path)
        why = f"never: {forbidden}" if forbidden is not None else None
        if why is None and not self._named_below(path):
            why = self._ignored.reason(f"{path}/") or self._excluded(f"{path}/")
            if self._folder / path in self._wheels:
                why = "it goes in as a wheel: python.requirements names it"
        if why is not None:
            size = sum(_sizes(self._folder / path))
            self._context.left_out.append(LeftOut(f"{path}/", size, why))
            return
        self.search(f"{path}/", self._is_in_package(path))

    def _is_in_package(self, path: str) -> bool:
        """Data folders inside a package belong to it."""
        parent = (self._folder / path).parent
        return self._packages and (parent / "__init__.py").is_file()

    def _named_below(self, path: str) -> bool:
        return any(name.startswith(f"{path}/") for name in self._named)

    def _file(self, path: str, entry: "os.DirEntry[str]", in_package: bool) -> None:
        if path == LOCK:
            return  # it goes in beside the code, as what the libraries are installed from
        size = entry.stat(follow_symlinks=False).st_size
        why = self._why_not(path, entry.name, in_package)
        if why is not None:
            self._context.left_out.append(LeftOut(path, size, why))
            return
        if entry.is_symlink():
            real = (self._folder / _resolved(self._folder, path)).stat()
        else:
            real = entry.stat()
        if not stat.S_ISREG(real.st_mode):
            raise BuildError(f"{path} is no regular file but a pipe, socket or device: exclude it")
        if real.st_size > MAX_FILE and path not in self._named:
            raise BuildError(
                f"{path} has {real.st_size / 1e6:,.0f} MB: a model belongs into the model store; "
                f"if it must go in, name it: include: [..., {path}]; if not, exclude it"
            )
        if _holds_a_key(self._folder, path):
            self._context.left_out.append(LeftOut(path, size, "a private key is in it"))
            return
        self._context.files.append(ContextFile(path, real.st_size))

    def _why_not(self, path: str, name: str, in_package: bool) -> str | None:
        forbidden = forbidden_file(name)
        if forbidden is not None:
            return f"never: {forbidden}"
        if path in self._named:
            return None
        if not in_package and not self._include.matches(path):
            return _NOT_INCLUDED
        return self._excluded(path) or self._ignored.reason(path)

    def _excluded(self, path: str) -> str | None:
        decided = self._exclude.decides(path)
        return f"left out by {decided[1]}" if decided is not None and decided[0] else None


def _resolved(folder: Path, path: str) -> str:
    """The path that a file really has, if that is in the project and may go in itself."""
    try:
        target = (folder / path).resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise BuildError(f"{path} is a link that leads nowhere: remove or exclude it") from error
    inside = target.is_relative_to(folder)
    below = target.relative_to(folder) if inside else Path()
    hidden = any(forbidden_folder(folder / parent) for parent in below.parents)
    if not inside or hidden or forbidden_file(target.name) is not None:
        raise BuildError(
            f"{path} is a link to {below if inside else target}, or behind one, which is not among "
            "what may go in: put a copy of the file there, or exclude it"
        )
    return below.as_posix()


@contextmanager
def _opened(folder: Path, path: str) -> Iterator[BinaryIO]:
    """A file as it is now: a folder on the way may have become a link since it was found."""
    try:
        with os.fdopen(open_below(folder, _resolved(folder, path)), "rb", buffering=0) as file:
            yield file
    except Corrupt as error:
        raise BuildError(f"{path} {error}: build again") from error
    except OSError as error:
        raise BuildError(f"{path} cannot be read: {error.strerror or error}") from error


def _holds_a_key(folder: Path, path: str) -> bool:
    search = KeySearch()
    with _opened(folder, path) as file:
        return any(search.finds(block) for block in iter(lambda: file.read(BLOCK), b""))


def _sizes(folder: Path) -> Iterator[int]:
    for inner, _, names in os.walk(folder):
        for name in names:
            try:
                yield os.lstat(os.path.join(inner, name)).st_size  # noqa: PTH118 -- thousands
            except OSError:
                continue


def _check_amount(context: Context) -> None:
    total = sum(one.size for one in context.files)
    if len(context.files) > MAX_FILES or total > MAX_BYTES:
        raise BuildError(
            f"{len(context.files)} files of {total / 1e6:,.0f} MB would go in, at most "
            f"{MAX_FILES} of {MAX_BYTES / 1e6:,.0f} MB may: include less"
        )


def _copy(folder: Path, one: ContextFile, target: Path) -> None:
    with _opened(folder, one.path) as file:
        before, written = os.fstat(file.fileno()), 0
        with disk_errors("cannot copy the project", target), target.open("xb") as made:
            while block := file.read(BLOCK):
                written += made.write(block)
        after = os.fstat(file.fileno())
    same = (before.st_mtime_ns, before.st_size) == (after.st_mtime_ns, after.st_size)
    if not same or written != one.size:
        raise BuildError(f"{one.path} was changed while it was copied: build again")
