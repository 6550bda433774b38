"""The one pickle format: cloudpickle, protocol 5; knows neither model libraries nor the store.

What a script or a notebook defines travels by value, so that a model finds its own functions again
where the script is not. The price: byte code, which only the same Python minor version can run.
"""

import io
import pickle
import types
from dataclasses import dataclass
from typing import Any

import cloudpickle

from minibento.errors import DeclarationError, MissingLibrary
from minibento.importing import install

__all__ = ["Pickled", "dumps", "loads"]

_PROTOCOL = 5


@dataclass(frozen=True, slots=True)
class Pickled:
    """A pickle and what can be known of it without loading it.

    Attributes:
        data: The pickle itself.
        by_value: It holds byte code, so it loads only under the Python minor that wrote it.
        modules: Top-level modules of the classes, functions and modules in it, `__main__` and the
            standard library included.
    """

    data: bytes
    by_value: bool
    modules: frozenset[str]


def dumps(obj: object) -> Pickled:
    """Pickle `obj`; what is defined in `__main__` or interactively goes in by value.

    Raises:
        DeclarationError: some part of it cannot be pickled; the message says which.
    """
    buffer = io.BytesIO()
    pickler = _Pickler(buffer)
    try:
        pickler.dump(obj)
    except (TypeError, pickle.PicklingError, AttributeError, RecursionError) as error:
        raise DeclarationError(
            f"{type(obj).__name__} cannot be pickled: {error}. Leave out what belongs to this "
            "process (locks, open files, connections, threads) and make it anew where it is used"
        ) from error
    return Pickled(buffer.getvalue(), pickler.by_value, frozenset(pickler.modules))


def loads(data: bytes) -> Any:
    """Load what `dumps` wrote; executes code that is in it.

    Raises:
        MissingLibrary: it names a module, or a name in one, that is not here.
    """
    try:
        return _Unpickler(io.BytesIO(data)).load()
    except ModuleNotFoundError as error:
        raise MissingLibrary(
            f"the pickle names the module {error.name!r}, which is not importable here: "
            f"{install(str(error.name))}",
            name=error.name,
        ) from error


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]  # cloudpickle ships no types
    """Cloudpickle's pickler, noting on the way what it met."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file, protocol=_PROTOCOL)
        self.by_value = False
        self.modules: set[str] = set()

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, types.CodeType):
            self.by_value = True
        if isinstance(obj, types.ModuleType):
            name = obj.__name__
        elif isinstance(obj, type | types.FunctionType | types.BuiltinFunctionType):
            name = obj.__module__
        else:
            name = type(obj).__module__
        if isinstance(name, str):
            self.modules.add(name.partition(".")[0])
        return super().reducer_override(obj)


class _Unpickler(pickle.Unpickler):
    """Says in the user's words which name is missing in which module."""

    def find_class(self, module: str, name: str) -> Any:
        try:
            return super().find_class(module, name)
        except AttributeError as error:
            raise MissingLibrary(
                f"the pickle names {name!r} of the module {module!r}, which has no such name "
                "here: install the version of that package that the model was saved with"
            ) from error
