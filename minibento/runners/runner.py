"""`minibento.Runner`: what the user declares and calls; where it computes, the engine knows."""

import asyncio
import weakref
from collections.abc import Callable, Mapping
from dataclasses import asdict
from threading import Lock
from typing import Any, Self

from minibento.errors import DeclarationError, UsageError
from minibento.metrics import Metrics
from minibento.runners.engine import BackgroundLoop, EmbeddedEngine, Engine
from minibento.runners.handle import MethodHandle, StreamHandle
from minibento.runners.options import Options
from minibento.runners.source import ObjectSource, Source, source_of
from minibento.wording import did_you_mean

__all__ = ["Runner"]


class Runner:
    """A model, or a class of yours, that computes in a worker in micro-batches.

    Args:
        target: A class with methods marked by `@minibento.method`, or a model.
        init: Keyword arguments for the class; its instance is made where the inference runs.
        **options: `workers=1`, `threads=None`, `max_batch_size=128`, `max_latency_ms=100`,
            `preload=None`, `max_queue=4096`, `admission=True`, `max_wait_ms=None`; see
            `minibento.runners.options.Options`.

    Its methods are attributes: `await runner.predict(item)`, `runner.predict.run(item)`,
    `await runner.predict.batch(items)`, `runner.predict.run_batch(items)`. A service starts the
    runners among its class attributes. In a script or notebook a runner starts itself at its first
    call, and stops with the process or at the end of `with runner:`.

    Raises:
        DeclarationError: the class, model or options cannot make a runner.
    """

    def __init__(
        self, target: Any, *, init: Mapping[str, Any] | None = None, **options: Any
    ) -> None:
        self.source = target if isinstance(target, ObjectSource) else source_of(target, init)
        self._refuse_hidden_methods()
        self.options = Options.read(options)
        self.name = self.source.name
        self._engine: Engine | None = None
        self._make: Callable[[Runner, Metrics], Engine] = _embedded
        self._users = 0
        self._background: BackgroundLoop | None = None
        self._forgotten: weakref.finalize[..., Runner] | None = None
        self._lock = Lock()
        self._starting = asyncio.Lock()

    def _refuse_hidden_methods(self) -> None:
        for name in self.source.methods:
            if name != "__call__" and (
                hasattr(Runner, name) or name in {"name", "options", "source"}
            ):
                raise DeclarationError(
                    f"{self.source.name}.{name} could not be called: a runner has a {name!r} of "
                    "its own; give the method another name"
                )

    def replaced_by(self, obj: object) -> "Runner":
        """A runner of the same name and options that calls `obj` instead: a fake for a test.

        The fake's methods are called as this runner's are: in batches where these are batchable.

        Raises:
            UsageError: it has none of them.
        """
        source = ObjectSource(obj, self.source)
        source.refuse_useless(self.source)
        fake = Runner(source, **asdict(self.options))
        fake.name = self.name
        return fake

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @property
    def version(self) -> str:
        """Tag of the model, or tags where a class has several; `""` without one."""
        return self.source.version

    @property
    def ready(self) -> bool:
        """Whether it is started and can answer."""
        return self._engine is not None and self._engine.ready

    @property
    def trouble(self) -> str | None:
        """Why it is started and yet not ready, in words."""
        return None if self._engine is None else self._engine.trouble

    @property
    def running(self) -> Engine | None:
        """The engine, if it is started."""
        return self._engine

    def placed(self, make: "Callable[[Runner, Metrics], Engine]") -> None:
        """Compute elsewhere than in this process: `make` is called at the start, on its loop."""
        if self._engine is not None:
            raise UsageError(f"runner {self.name!r} is started already: place it before")
        self._make = make

    async def start(self, metrics: Metrics | None = None) -> None:
        """Load the model and serve it on this loop; a second start only counts.

        Raises:
            Exception: whatever loading raises.
        """
        async with self._starting:
            if self._engine is None:
                engine = self._make(self, metrics or Metrics())
                await engine.start()
                self._engine = engine
            self._users += 1

    async def stop(self) -> None:
        """Take one start back; the last one ends the worker once it has answered."""
        self._users = max(0, self._users - 1)
        if self._users == 0 and self._engine is not None:
            engine, self._engine = self._engine, None
            await engine.stop()

    def __enter__(self) -> Self:
        self._started()
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            background, self._background = self._background, None
        if background is not None:
            if self._forgotten is not None:
                self._forgotten.detach()
            background.run(self.stop())
            background.stop()

    def engine(self) -> Engine:
        """The running engine; outside a service it is started now, on a loop of its own."""
        return self._started() if self._engine is None else self._engine

    def _started(self) -> Engine:
        with self._lock:
            if self._engine is not None:  # by another thread, just now
                return self._engine
            background = BackgroundLoop(f"minibento-loop-{self.name}")
            try:
                background.run(self.start())
            except BaseException:
                background.stop()
                raise
            engine: Engine | None = self._engine
            assert engine is not None
            self._background = background
            self._forgotten = weakref.finalize(self, _abandon, engine, background)
            return engine

    def make_handles(self) -> None:
        """Make the handle of every method now, with what it imports, instead of at its first call.

        Raises:
            MinibentoError: a handle needs a library that is not here.
        """
        for name in self.source.methods:
            if name != "__call__":
                getattr(self, name)

    def __getattr__(self, name: str) -> Any:
        source: Source | None = self.__dict__.get("source")
        if source is None or name.startswith("__"):
            raise AttributeError(name)
        spec = source.methods.get(name)
        if spec is None and "__call__" in source.methods and name in _CALLS:
            return getattr(self._call_handle(), name)
        if spec is None:
            if isinstance(source, ObjectSource):
                known = source.has()
            else:
                names = ", ".join(source.methods) or "none, as its model is a placeholder"
                known = f"it has {names}"
            mend = did_you_mean(name, source.methods, known)
            raise AttributeError(f"runner {self.name!r} has no method {name!r}: {mend}")
        handle = StreamHandle(self, spec) if spec.streams else MethodHandle(self, spec)
        self.__dict__[name] = handle
        return handle

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call a model that is itself a function: `await runner(item)`."""
        return self._call_handle()(*args, **kwargs)

    def _call_handle(self) -> Any:
        spec = self.source.methods.get("__call__")
        if spec is None:
            known = ", ".join(self.source.methods)
            raise UsageError(f"runner {self.name!r} is called by method: one of {known}")
        return MethodHandle(self, spec)

    def __repr__(self) -> str:
        return f"Runner({self.name!r}, {self.version or self.source.name!r})"


def _embedded(runner: Runner, metrics: Metrics) -> Engine:
    return EmbeddedEngine(runner.name, runner.source, runner.options, metrics)


def _abandon(engine: Engine, background: BackgroundLoop) -> None:
    """The runner is garbage, or the process ends: neither thread may be left behind."""
    engine.abandon()
    background.stop()


_CALLS = frozenset({"run", "batch", "run_batch"})
