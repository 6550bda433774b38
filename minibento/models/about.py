"""What a model's manifest says about it, as plain data; knows neither files nor libraries."""

import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from minibento.errors import Corrupt, Untrusted
from minibento.wire.row_spec import RowSpec

__all__ = [
    "ANSWERS",
    "CUSTOM",
    "CUSTOM_OBJECTS",
    "EXAMPLE",
    "About",
    "Signature",
    "python_version",
]

# Files that minibento itself writes beside the adapter's.
CUSTOM_OBJECTS = "custom_objects.pkl"
EXAMPLE = "example.msgpack"
ANSWERS = "answers.msgpack"

# The framework of what `models.create` wrote: files that only the user's own code can read.
CUSTOM = "custom"


class Signature(NamedTuple):
    """One method that a runner offers: does it take many rows, and how do they look?"""

    batchable: bool
    rows: RowSpec


@dataclass(frozen=True, slots=True)
class About:
    """A model's manifest without its files.

    Attributes:
        framework: Name of the adapter that wrote it, or `custom`.
        options: What that adapter needs again to load it.
        methods: The methods a runner offers.
        labels: The user's own labels.
        metadata: The user's own JSON-able facts.
        python: Python minor version that it was saved under: `3.11`.
        libraries: Versions of the distributions it was saved with.
        by_value: It holds byte code of that Python minor version.
        executes_code: Loading it runs code that is in its files, or serving it calls methods that
            its adapter does not know to be harmless; an imported copy needs trust.
        custom_objects: Names of the objects saved beside the model.
        example: It has an example of its input.
        answers: It has the answers to that example.
    """

    framework: str
    options: Mapping[str, Any] = field(default_factory=dict)
    methods: Mapping[str, Signature] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    python: str = ""
    libraries: Mapping[str, str] = field(default_factory=dict)
    by_value: bool = False
    executes_code: bool = False
    custom_objects: tuple[str, ...] = ()
    example: bool = False
    answers: bool = False

    def to_json(self) -> dict[str, Any]:
        """The manifest's `about`; methods are called signatures there, as in `save_model`."""
        data = asdict(self)
        del data["methods"]
        data["custom_objects"] = list(self.custom_objects)
        data["signatures"] = {
            name: {"batchable": spec.batchable, "rows": spec.rows.to_json()}
            for name, spec in self.methods.items()
        }
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "About":
        """What `to_json` wrote.

        Raises:
            Corrupt: it is not that; the message says what is missing.
        """
        try:
            signatures = data["signatures"]
            plain = {key: data[key] for key in cls.__slots__ if key in data}
            methods = {
                name: Signature(spec["batchable"], RowSpec.from_json(spec["rows"]))
                for name, spec in signatures.items()
            }
            plain["custom_objects"] = tuple(data["custom_objects"])
            return cls(methods=methods, **plain)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise Corrupt(
                f"the manifest is not a model's: {type(error).__name__} {error}"
            ) from error

    def refuse_hidden_code(self) -> None:
        """Raise Untrusted if the manifest says that the model is harmless: it is not.

        What is imported without trust is what says so, and whoever makes an archive says what
        they like; so it is held to its word before anything of it can run.
        """
        if self.executes_code is not True:
            raise Untrusted(
                "the manifest says that the model runs no code, but what it holds can: nothing of "
                "it was run; delete it, and get it from somebody you know"
            )


def python_version() -> str:
    """This interpreter's minor version: `3.11`."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"
