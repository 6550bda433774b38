"""One stored model as users hold it: its facts at once, its object when asked for."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from minibento.errors import UsageError
from minibento.frameworks import pickled, table
from minibento.models.about import (
    ANSWERS,
    CUSTOM,
    CUSTOM_OBJECTS,
    EXAMPLE,
    About,
    Signature,
)
from minibento.models.libraries import refuse_other_python, warn_of_differences
from minibento.tag import Tag

if TYPE_CHECKING:
    from minibento.frameworks.base import Files
    from minibento.runners.runner import Runner
    from minibento.store.store import Entry

__all__ = ["Model"]


class Model:
    """A reference to one version in the store; `models.get` gives it and loads nothing.

    Attributes:
        tag: Name and exact version.
    """

    def __init__(self, tag: Tag, entry: "Entry | None") -> None:
        """Hold `entry`; None makes a placeholder that has a tag and nothing to load."""
        self.tag = tag
        self._entry = entry

    @property
    def path(self) -> Path:
        """The directory of its files; read-only. Files read from here are not verified."""
        stored = self._stored
        if self._about.framework == CUSTOM:
            self._refuse_unvouched()
        return stored.path

    @property
    def framework(self) -> str:
        """The adapter that wrote it: `sklearn`, `xgboost`, ... or `custom` for `create`."""
        return self._about.framework

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels it was saved with."""
        return self._about.labels

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The metadata it was saved with."""
        return self._about.metadata

    @property
    def libraries(self) -> Mapping[str, str]:
        """Distribution and version of the libraries it was saved with."""
        return self._about.libraries

    @cached_property
    def custom_objects(self) -> Mapping[str, Any]:
        """The objects saved beside the model, unpickled at first use.

        Raises:
            Corrupt: the file is not what was saved; nothing was unpickled.
            MissingLibrary: they name a module that is not here.
            Untrusted: the manifest hides that they are code.
            UsageError: they hold byte code of another Python version.
        """
        about = self._about
        if not about.custom_objects:
            return MappingProxyType({})
        self._refuse_unvouched()
        if about.by_value:
            refuse_other_python(self.tag, about.python)
        loaded: dict[str, Any] = pickled.loads(self._files.read(CUSTOM_OBJECTS))
        return MappingProxyType(loaded)

    def load(self) -> Any:
        """The library's own object, made anew from verified files at each call.

        Raises:
            Corrupt: a file is not what was saved; nothing was deserialised.
            MissingLibrary: its library, or a module that it names, is not installed.
            Untrusted: the manifest hides that its format runs code.
            UsageError: it holds byte code of another Python version, or it has no object: it came
                from `models.create`, or it is a placeholder of a test.

        Warns:
            VersionMismatch: a library has another version than where it was saved.
        """
        return self._load(stacklevel=2)

    def to_runner(self, **options: Any) -> "Runner":
        """A runner that serves this model's methods; `options` are those of `minibento.Runner`.

        Raises:
            UsageError: it came from `models.create`, so its methods are not known.
        """
        self._refuse_custom("to_runner()")
        from minibento.runners.runner import Runner  # numpy only where it serves

        return Runner(self, **options)

    def method_specs(self) -> dict[str, Signature]:
        """The methods a runner offers; none for a placeholder."""
        self._refuse_custom("method_specs()")
        return dict(self._about.methods)

    def load_runnable(self) -> Any:
        """What a runner calls the methods on. Raises what `load` raises."""
        obj = self._load(stacklevel=2)
        adapter = table.adapter(self._about.framework)
        named = {name: spec.batchable for name, spec in self._about.methods.items()}
        if not named.items() <= adapter.methods(obj).items():
            # Starting a runner calls them with the manifest's example: `save_model` with a path.
            self._refuse_unvouched()
        return adapter.runnable(obj)

    @property
    def any_thread(self) -> bool:
        """Whether what `load_runnable` gave may be called from any thread, one at a time."""
        return table.adapter(self._about.framework).any_thread

    def use_threads(self, runnable: Any, threads: int) -> None:
        """Let what `load_runnable` gave compute with this many threads."""
        table.adapter(self._about.framework).use_threads(runnable, threads)

    def example(self) -> Any | None:
        """The example input it was saved with; None without one."""
        return self._value(EXAMPLE) if self._about.example else None

    def answers(self) -> dict[str, Any] | None:
        """What each method answered to the example when it was saved; None without a check.

        A batchable method's answer is in one piece, any other's a list of one answer per row.
        """
        return self._value(ANSWERS) if self._about.answers else None

    def wrong_answer(self, runnable: Any) -> str | None:
        """Where `runnable` answers the stored example otherwise than when it was saved, in words.

        None: nowhere, or no answers are stored. See `models.answers.difference` for tolerances.
        """
        if not self._about.answers:
            return None
        from minibento.models.answers import answers_to, difference
        from minibento.wire.values import decode_bytes, encode_bytes

        given = answers_to(self.example(), runnable, self.method_specs())
        return difference(self.answers(), decode_bytes(encode_bytes(given)))

    if not TYPE_CHECKING:  # for type checkers it has no further attributes

        def __getattr__(self, name: str) -> Any:
            """Say what is missing to call the model's own methods."""
            if not name.startswith("_") and name in self._about.methods:
                raise AttributeError(
                    f"{self!r} is a reference and computes nothing: add .to_runner() where it is "
                    f"made to call its {name!r}, or .load() for the library's own object"
                )
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __repr__(self) -> str:
        return f"Model({str(self.tag)!r})"

    @cached_property
    def _about(self) -> About:
        return About("") if self._entry is None else About.from_json(self._entry.about)

    @property
    def _stored(self) -> "Entry":
        if self._entry is None:
            raise UsageError(
                f"{self.tag} is a placeholder of minibento.testing.models, so there is nothing to "
                "load: give the runner a fake, or name a model that is in the store"
            )
        return self._entry

    @property
    def _files(self) -> "Files":
        return self._stored.open_files()

    def _value(self, name: str) -> Any:
        from minibento.wire.values import decode_bytes  # numpy only where read

        return decode_bytes(self._files.read(name))

    def _load(self, stacklevel: int) -> Any:
        files, about = self._files, self._about
        self._refuse_custom("load()")
        if about.by_value:
            refuse_other_python(self.tag, about.python)
        warn_of_differences(self.tag, about.libraries, stacklevel + 1)
        adapter = table.adapter(about.framework)
        if adapter.executes_code(about.options):
            self._refuse_unvouched()
        return adapter.load(files, about.options)

    def _refuse_unvouched(self) -> None:
        """Raise Untrusted unless the manifest owns up to its code and somebody vouches for it."""
        self._about.refuse_hidden_code()
        self._stored.refuse_unvouched()

    def _refuse_custom(self, call: str) -> None:
        if self._about.framework == CUSTOM:
            raise UsageError(
                f"{self.tag} is a directory made by models.create, so it has no {call}: read its "
                "files below model.path, in a class given to minibento.Runner to serve it"
            )
