"""What a runner runs: a stored model, a class of the user's, or an object; loaded by the worker.

Knows a model only by its shape, because models live a floor higher.
"""

import inspect
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from minibento.errors import DeclarationError, ModelError, UsageError
from minibento.runners.class_spec import class_spec
from minibento.runners.method import MethodSpec, read_methods
from minibento.runners.threads import use_threads
from minibento.wire.row_spec import RowSpec
from minibento.wording import did_you_mean, shown

__all__ = ["ClassSource", "ModelSource", "ObjectSource", "Source", "source_of"]


class Source(Protocol):
    """Where a worker gets the object whose methods it calls.

    Attributes:
        name: For logs and errors until the runner has a name of its own.
        version: Tag of the model, `""` where there is none.
        methods: What may be called.
        any_thread: What it loads may be called from another thread than it was loaded in, though
            never from two at once; of meaning once it is loaded.
    """

    name: str
    version: str
    methods: Mapping[str, MethodSpec]

    @property
    def any_thread(self) -> bool: ...

    def load(self) -> Any:
        """Make the object. It computes nothing yet: the process may be forked after this."""
        ...

    def use_threads(self, runnable: Any, threads: int) -> None:
        """Let the object compute with this many threads; called where its methods will run."""
        ...

    def spec(self) -> dict[str, Any]:
        """What another process makes this source of, by `minibento.models.sources.source_from`.

        Raises:
            DeclarationError: no other process could.
        """
        ...

    def wrong_answer(self, runnable: Any) -> str | None:
        """Where the object answers otherwise than it must, in words; None: nowhere."""
        ...

    def examples(self) -> Mapping[str, Any]:
        """A batch or item by method to warm up with."""
        ...


class _Signature(Protocol):
    @property
    def batchable(self) -> bool: ...
    @property
    def rows(self) -> RowSpec: ...


class ModelLike(Protocol):
    """A stored model as a runner sees it."""

    @property
    def tag(self) -> Any: ...
    @property
    def any_thread(self) -> bool: ...
    def method_specs(self) -> Mapping[str, _Signature]: ...
    def load_runnable(self) -> Any: ...
    def use_threads(self, runnable: Any, threads: int) -> None: ...
    def wrong_answer(self, runnable: Any) -> str | None: ...
    def example(self) -> Any: ...


class ModelSource:
    """A stored model."""

    def __init__(self, model: ModelLike) -> None:
        self._model = model
        self.version = str(model.tag)
        self.name = model.tag.name
        self.methods: Mapping[str, MethodSpec] = {
            name: MethodSpec(name, signature.batchable, signature.rows)
            for name, signature in model.method_specs().items()
        }

    @property
    def any_thread(self) -> bool:
        """Its library says so."""
        return self._model.any_thread

    def load(self) -> Any:
        """The model, verified and loaded."""
        return self._model.load_runnable()

    def use_threads(self, runnable: Any, threads: int) -> None:
        """Limit the libraries, and the model where it has a number of its own."""
        use_threads(threads)
        self._model.use_threads(runnable, threads)

    def spec(self) -> dict[str, Any]:
        """Its exact tag."""
        return {"model": self.version}

    def wrong_answer(self, runnable: Any) -> str | None:
        """Compare with the answers stored when the model was saved."""
        return self._model.wrong_answer(runnable)

    def examples(self) -> Mapping[str, Any]:
        """The example the model was saved with, for each batchable method."""
        example = self._model.example()
        if example is None:
            return {}
        return {name: example for name, spec in self.methods.items() if spec.batchable}


class ClassSource:
    """A plain class with marked methods; its instance is made where the inference runs."""

    any_thread = False  # a connection, a context, a switch of a library may be the thread's own

    def __init__(self, cls: type, init: Mapping[str, Any] | None) -> None:
        self._class = cls
        if init is not None and not isinstance(init, Mapping):
            raise DeclarationError(
                f"Runner({cls.__name__}, init={shown(init)}): init is a dict of keyword arguments"
            )
        self._init = dict(init or {})
        self.name = cls.__name__
        self.methods: Mapping[str, MethodSpec] = read_methods(cls)
        if not self.methods:
            raise DeclarationError(
                f"{cls.__name__} has no runner method: mark one with @minibento.method"
            )
        self.version = ", ".join(str(model.tag) for model in class_models(cls))
        self._check_init()

    def load(self) -> Any:
        """A new instance."""
        return self._class(**self._init)

    def use_threads(self, runnable: Any, threads: int) -> None:  # noqa: ARG002 - the seam's
        """Limit the libraries that are loaded; what else the class has, it must set itself."""
        use_threads(threads)

    def spec(self) -> dict[str, Any]:
        """Where the class is found, and its init arguments."""
        return class_spec(self._class, self._init)

    def wrong_answer(self, runnable: Any) -> str | None:  # noqa: ARG002 - the seam asks for it
        """Nothing is stored to compare a class of the user's with."""
        return None

    def examples(self) -> Mapping[str, Any]:
        """The examples that the methods were declared with."""
        return {n: spec.example for n, spec in self.methods.items() if spec.example is not None}

    def _check_init(self) -> None:
        try:
            inspect.signature(self._class).bind(**self._init)
        except TypeError as error:
            raise DeclarationError(
                f"Runner({self._class.__name__}, init={self._init}): {error}"
            ) from None


class ObjectSource:
    """An object that exists already: a fake in a test. Takes the place of another source.

    Its methods are those of the source it replaces, so that it is called as the real one would be;
    where it marks its own, or replaces nothing that is known, its own.
    """

    any_thread = False

    def __init__(self, obj: object, replaced: Source | None = None) -> None:
        self._object = obj
        self.name = type(obj).__name__
        self.version = replaced.version if replaced is not None else ""
        self.methods: Mapping[str, MethodSpec] = read_methods(type(obj)) or self._like(replaced)

    def load(self) -> Any:
        """The object."""
        return self._object

    def use_threads(self, runnable: Any, threads: int) -> None:
        """Nothing: a fake computes as it likes."""

    def spec(self) -> dict[str, Any]:
        """None: the object is in this process."""
        raise DeclarationError(
            f"{self.name} is an object of this process, which no other one can make: "
            "a runner of it is embedded"
        )

    def wrong_answer(self, runnable: Any) -> str | None:  # noqa: ARG002 - the seam asks for it
        """A fake may answer what it likes."""
        return None

    def examples(self) -> Mapping[str, Any]:
        """None: a fake needs no warm-up, and counting its calls is what tests do."""
        return {}

    def has(self) -> str:
        """What could be called on the object, for errors."""
        return f"{self.name} has {', '.join(self._public_methods()) or 'no public method'}"

    def refuse_useless(self, replaced: Source) -> None:
        """Raise UsageError if the object has none of the methods that it is to answer."""
        if not self.methods:
            name = next(iter(replaced.methods), "")
            mend = did_you_mean(name, self._public_methods(), f"give it {name!r}" * bool(name))
            wanted = ", ".join(replaced.methods) or "any method"
            raise UsageError(
                f"{self.name} cannot stand in for {replaced.name}, whose methods are {wanted}: "
                f"{self.has()}{'; ' * bool(mend)}{mend}"
            )

    def _like(self, replaced: Source | None) -> Mapping[str, MethodSpec]:
        if replaced is not None and replaced.methods:
            known = replaced.methods.items()
            return {n: spec for n, spec in known if callable(getattr(self._object, n, None))}
        return {n: MethodSpec(n, True, RowSpec("list")) for n in self._public_methods()}

    def _public_methods(self) -> Iterator[str]:
        for name, member in inspect.getmembers(type(self._object), callable):
            public = name == "__call__" or not name.startswith("_")
            if public and not isinstance(member, type):
                yield name


def class_models(cls: type) -> list[ModelLike]:
    """The model references among the class attributes."""
    members: list[Any] = [getattr(cls, n, None) for n in dir(cls) if not n.startswith("__")]
    return [m for m in members if hasattr(m, "method_specs") and hasattr(m, "load_runnable")]


def source_of(target: Any, init: Mapping[str, Any] | None) -> Source:
    """The source for what `minibento.Runner` was given.

    Raises:
        DeclarationError: it is nothing a runner can run.
    """
    if isinstance(target, type):
        return ClassSource(target, init)
    if init is not None:
        raise DeclarationError(f"init= is for a class, {target!r} is none")
    if hasattr(target, "load_runnable"):
        return ModelSource(target)
    raise DeclarationError(
        f"a Runner runs a class or a model, got {target!r}: pass the class itself "
        "(its instance is made where the inference runs) or minibento.models.get(tag)"
    )


def checked_runnable(runnable: Any, source: Source) -> Any:
    """The loaded object, once it is sure that it can take customers' calls.

    Raises:
        ModelError: it lacks a declared method, or answers its stored example otherwise.
    """
    wrong = source.wrong_answer(runnable)
    if wrong is not None:
        raise ModelError(
            f"{source.version} answers its stored example otherwise than when it was saved: {wrong}"
        )
    for name in source.methods:
        if not callable(getattr(runnable, name, None)):
            raise ModelError(f"{source.name} has no method {name!r} once it is loaded")
    return runnable
