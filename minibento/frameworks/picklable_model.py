"""Any Python object or function, as one pickle; knows no model library."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from minibento.frameworks import pickled
from minibento.frameworks.base import Files, Saved
from minibento.wire.row_spec import RowSpec

__all__ = ["PicklableModel"]

_FILE = "model.pkl"


class PicklableModel:
    """Adapter of `minibento.picklable_model`: what cloudpickle can write, with any methods."""

    name = "picklable_model"
    libraries: tuple[str, ...] = ()
    any_thread = False

    def check(self, obj: object) -> None:
        """Anything may be tried; `save` refuses what cannot be pickled."""

    def save(self, obj: Any, directory: Path, options: Mapping[str, Any]) -> Saved:
        """Write one pickle."""
        assert not options, f"picklable_model has no options, got {options}"
        made = pickled.dumps(obj)
        (directory / _FILE).write_bytes(made.data)
        return Saved(by_value=made.by_value, modules=made.modules)

    def executes_code(self, options: Mapping[str, Any]) -> bool:  # noqa: ARG002 -- the seam asks
        """Always: unpickling calls whatever the pickle names."""
        return True

    def load(self, files: Files, options: Mapping[str, Any]) -> Any:
        """Unpickle the object."""
        assert not options, f"picklable_model has no options, got {options}"
        return pickled.loads(files.read(_FILE))

    def methods(self, obj: Any) -> dict[str, bool]:
        """A function or callable object is called, one item at a time."""
        return {"__call__": False} if callable(obj) else {}

    def runnable(self, obj: Any) -> Any:
        """The object itself."""
        return obj

    def rows(self, obj: Any) -> RowSpec:  # noqa: ARG002 -- the seam asks for it
        """By the item."""
        return RowSpec()

    def use_threads(self, obj: Any, threads: int) -> None:
        """Nothing that is known of every object: its libraries are limited from outside."""
