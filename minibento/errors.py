"""Every error a user of minibento can meet, drawn as a tree; knows no HTTP body, no terminal.

    MinibentoError                  500
    ├── InvalidTag (ValueError)     400  a name, version or tag that is not one
    ├── NotFound (LookupError)      404  no such model, bundle, version or alias
    ├── AlreadyExists               409  that explicit version exists with other content
    ├── InUse                       409  an aliased version is deleted without force
    ├── StoreError                  500  the store itself cannot be read or written
    ├── Corrupt                     500  a file is not what its manifest says
    ├── Untrusted                   500  a format that can execute code was not trusted
    ├── SaveRefused                 500  the saved model does not load or answers otherwise
    ├── MissingLibrary (ImportError) 500  an optional library is not installed
    ├── TargetError                 500  TARGET names no service
    ├── CannotListen                500  the address or port cannot be had
    ├── ConfigError                 500  a server's configuration has a wrong key or value
    ├── RemoteError                 500  a registry, bucket or share refuses or cannot be reached
    ├── BuildError                  500  a bundle cannot be made, locked or installed like this
    ├── DeclarationError (TypeError) 500  a service, runner or method is declared wrongly
    ├── UsageError (RuntimeError)   500  a call that can never work from where it is made
    ├── CannotCross (TypeError)     500  a value of a type that may not go to a runner
    ├── ItemError                   422  this item is bad; its batch-mates are not
    ├── DeadlineExceeded (TimeoutError) 504  the deadline passed before the answer
    ├── Overloaded                  503  a queue is full; try again after `retry_after`
    ├── Unavailable                 503  no runner to answer: starting, stopping or stopped
    ├── WorkerDied                  500  a worker process died at a call that may not be repeated
    ├── PoisonousItem               500  this item ended a worker process, twice
    ├── ProtocolError               500  what came from another process is no message of ours
    └── ModelError                  500  the model's own code raised; carries its traceback
        └── BadResult               500  the model answered not one result per item

The number is the error's HTTP status. A service answers ItemError, DeadlineExceeded, Overloaded
and Unavailable as they are, and says it where a worker process died; any other that its own code
lets through is a 500 without internals. Every message names the offending value, what is accepted,
and the mend. On the command line all of them leave with exit code 1; wrong usage of a command
leaves with 2.
"""

import math

__all__ = [
    "AlreadyExists",
    "BadResult",
    "BuildError",
    "CannotCross",
    "CannotListen",
    "ConfigError",
    "Corrupt",
    "DeadlineExceeded",
    "DeclarationError",
    "InUse",
    "InvalidTag",
    "ItemError",
    "MinibentoError",
    "MissingLibrary",
    "ModelError",
    "NotFound",
    "Overloaded",
    "PoisonousItem",
    "ProtocolError",
    "RemoteError",
    "SaveRefused",
    "StoreError",
    "TargetError",
    "Unavailable",
    "Untrusted",
    "UsageError",
    "WorkerDied",
]


class MinibentoError(Exception):
    """The root: `except minibento.MinibentoError` catches all that minibento raises on purpose."""

    status: int = 500


class InvalidTag(MinibentoError, ValueError):
    """A name, version, alias or tag that does not follow the rules of `minibento.tag`."""

    status = 400


class NotFound(MinibentoError, LookupError):
    """No such model, bundle, version or alias."""

    status = 404


class AlreadyExists(MinibentoError):
    """The explicit version exists and holds other content."""

    status = 409


class InUse(MinibentoError):
    """An alias or a bundle still points at the version that was to be deleted."""

    status = 409


class StoreError(MinibentoError):
    """The store itself cannot be read or written: missing, read-only, full, not a directory."""


class Corrupt(MinibentoError):
    """A stored file is not what its manifest says; nothing was loaded from it."""


class Untrusted(MinibentoError):
    """A format that can execute code came from elsewhere and nobody has trusted it yet."""


class SaveRefused(MinibentoError):
    """The saved model does not load in a fresh interpreter or answers otherwise: none is kept."""


class MissingLibrary(MinibentoError, ImportError):
    """An optional library is not installed; the message has the command that installs it."""


class TargetError(MinibentoError):
    """The TARGET of a command names no service, or two."""


class CannotListen(MinibentoError):
    """The address or port that a server is to listen on cannot be had."""


class ConfigError(MinibentoError):
    """A server is configured with a key that does not exist or a value that cannot be."""


class RemoteError(MinibentoError):
    """What versions are pushed to or pulled from refuses, fails, or cannot be reached."""


class BuildError(MinibentoError):
    """A bundle cannot be made, locked, installed or shipped like this."""


class DeclarationError(MinibentoError, TypeError):
    """A service, runner or method is declared in a way that cannot work; found at import."""


class UsageError(MinibentoError, RuntimeError):
    """A call that can never work from where it is made, such as `.run()` on the service's loop."""


class CannotCross(MinibentoError, TypeError):
    """A value of a type that may not go to a runner or come back from one."""


class ItemError(MinibentoError):
    """One item is bad. Raise it anywhere, or return it in the item's place; its mates are answered.

    Args:
        detail: What is wrong, for the caller to read.
        status: HTTP status of the answer, 400 to 599.
        field: Where in the item, as a dotted path (`"income"`, `"rows.3.age"`), if known.
        expected: What would have been accepted there; else the answer says `detail` again.
        got: What came instead, in a few words.

    Attributes:
        index: Position of the item in the caller's own batch, set by `.batch`; otherwise None.
    """

    status = 422

    def __init__(
        self,
        detail: str,
        status: int = 422,
        field: str | None = None,
        *,
        expected: str | None = None,
        got: str | None = None,
    ) -> None:
        if not 400 <= status <= 599:
            raise ValueError(f"ItemError status must be 400 to 599, got {status}")
        # An exception is a likely detail, a tuple a likely place: both must be text to be sent.
        self.detail = str(detail)
        super().__init__(self.detail)
        self.status = status
        self.field = None if field is None else str(field)
        self.expected = expected
        self.got = got
        self.index: int | None = None

    def within(self, before: str, field: str | None) -> "ItemError":
        """The same error, told from further out: `before` stands in front of its detail."""
        return ItemError(
            f"{before}: {self.detail}",
            self.status,
            field,
            expected=self.expected,
            got=self.got,
        )


class DeadlineExceeded(MinibentoError, TimeoutError):
    """The deadline passed before the answer was there."""

    status = 504


class Overloaded(MinibentoError):
    """A bounded queue is full, or an answer is predicted to come too late.

    Attributes:
        retry_after: Seconds after which a new try makes sense, at least 1.
    """

    status = 503

    def __init__(self, message: str, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after

    @classmethod
    def predicted(cls, where: str, ahead: str, seconds: float, left: float) -> "Overloaded":
        """An answer would take so many seconds, with so much `ahead`; fewer are left for it."""
        return cls(
            f"{where}: with {ahead} ahead an answer would take about {seconds * 1000:.0f} ms, "
            f"{max(left, 0) * 1000:.0f} ms are allowed",
            retry_after=max(1, math.ceil(seconds - left)),
        )


class Unavailable(MinibentoError):
    """Nobody is there to answer: the runner is starting, stopping or stopped."""

    status = 503
    retry_after = 1


class WorkerDied(MinibentoError):
    """The worker process died at a call that may not be repeated; it may or may not be done.

    So ends what computed of a method declared `idempotent=False`, and a stream of which parts have
    been passed on. All other calls of a dead worker are answered by the next one.
    """


class PoisonousItem(MinibentoError):
    """This item ended a worker process, and then, computing alone, another one.

    The same item is refused for a minute without being tried. A call of many items is refused as a
    whole: which of them it was, is not known.
    """


class ProtocolError(MinibentoError):
    """What another process sent is no message of ours; that connection is closed."""


class ModelError(MinibentoError):
    """The model's own code raised.

    Attributes:
        remote_traceback: The traceback as text, as it was where the model ran; for the log only.
    """

    def __init__(self, message: str, remote_traceback: str = "") -> None:
        super().__init__(message)
        self.remote_traceback = remote_traceback


class BadResult(ModelError):
    """The model answered something that is not one result per item."""
