"""The seam between minibento and a model library; knows a directory of files, never the store."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from minibento.wire.row_spec import RowSpec

__all__ = ["Adapter", "Files", "Saved"]


class Files(Protocol):
    """A model's files, each hashed before its bytes or path are handed out."""

    def read(self, name: str) -> bytes:
        """The bytes of a file, verified.

        Raises:
            Corrupt: the file is not what the manifest says.
        """
        ...

    def path(self, name: str) -> Path:
        """The path of a file, verified just now, for libraries that only take paths.

        Raises:
            Corrupt: the file is not what the manifest says.
        """
        ...


@dataclass(frozen=True, slots=True)
class Saved:
    """What an adapter wrote.

    Attributes:
        options: JSON-able facts that `load` needs again, such as the format.
        by_value: Code (functions, classes) was pickled by value: byte code of one Python minor.
        modules: Top-level modules that the files name, whose versions are worth recording.
    """

    options: Mapping[str, Any] = field(default_factory=dict)
    by_value: bool = False
    modules: frozenset[str] = frozenset()


class Adapter(Protocol):
    """How one library's models are saved, loaded and called.

    Attributes:
        name: The framework's name in manifests: `sklearn`.
        libraries: Import names of the libraries whose versions are recorded: `("sklearn",)`.
        any_thread: Its objects may be called from another thread than they were loaded in.
    """

    name: str
    libraries: tuple[str, ...]
    any_thread: bool

    def check(self, obj: object) -> None:
        """Raise DeclarationError with the mend if `obj` is nothing this adapter can save."""
        ...

    def save(self, obj: Any, directory: Path, options: Mapping[str, Any]) -> Saved:
        """Write `obj` into `directory`; `options` are `save_model`'s own for this framework."""
        ...

    def executes_code(self, options: Mapping[str, Any]) -> bool:
        """Whether `load` runs code that is in the files, so that imported copies need trust."""
        ...

    def load(self, files: Files, options: Mapping[str, Any]) -> Any:
        """Read the library's own object back."""
        ...

    def methods(self, obj: Any) -> dict[str, bool]:
        """Prediction methods exposed when the user names none, each with: is it batchable?"""
        ...

    def runnable(self, obj: Any) -> Any:
        """What a runner calls the methods on: `obj` itself, or a wrapper that takes batches."""
        ...

    def rows(self, obj: Any) -> RowSpec:
        """How items look where no example says."""
        ...

    def use_threads(self, obj: Any, threads: int) -> None:
        """Let an object, or its `runnable`, compute with this many threads.

        Nested `n_jobs`, `nthread` and the like; the library's own pools are limited elsewhere.
        """
        ...
