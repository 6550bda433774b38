"""Writes a model into the store: declarations first, then files, then the proof, then its name."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minibento.batching.describe import describe
from minibento.batching.results import length
from minibento.batching.unstack import unstack
from minibento.errors import DeclarationError, InvalidTag, SaveRefused
from minibento.frameworks import pickled, table
from minibento.frameworks.base import Adapter
from minibento.models.about import (
    ANSWERS,
    CUSTOM_OBJECTS,
    EXAMPLE,
    About,
    Signature,
    python_version,
)
from minibento.models.answers import answers_to
from minibento.models.check import check
from minibento.models.declared import checked_labels, checked_metadata, checked_signatures
from minibento.models.libraries import versions
from minibento.store.home import local_store
from minibento.tag import Tag
from minibento.wire.values import encode_bytes
from minibento.wording import sentence

__all__ = ["Declaration", "save"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """What `save_model` takes beside the name and the object; documented there."""

    version: str | None = None
    signatures: Mapping[str, Mapping[str, Any]] | None = None
    labels: Mapping[str, str] | None = None
    metadata: Mapping[str, Any] | None = None
    custom_objects: Mapping[str, Any] | None = None
    example_input: Any = None
    check: bool = True


def save(
    framework: str, name: str, obj: Any, options: Mapping[str, Any], given: Declaration
) -> Tag:
    """Save `obj` with the adapter of `framework`; the face modules' `save_model` calls this."""
    if not isinstance(name, str):
        raise InvalidTag(
            "save_model takes the name first and then the object, as in "
            f"save_model('credit_risk', model): got {type(name).__name__} as the name"
        )
    Tag(name, given.version)
    adapter = table.adapter(framework)
    adapter.check(obj)
    runnable = adapter.runnable(obj)
    methods = checked_signatures(given.signatures, adapter.methods(obj), runnable)
    labels, metadata = checked_labels(given.labels), checked_metadata(given.metadata)
    custom = _pickled_custom_objects(given.custom_objects)
    specs = _specs(adapter, obj, methods, given.example_input)
    example, answers = _example_and_answers(name, runnable, specs, given)
    with local_store().draft(name) as draft:
        saved = adapter.save(obj, draft.path, options)
        _write(draft.path, {CUSTOM_OBJECTS: custom.data if custom else None, EXAMPLE: example})
        about = About(
            framework=framework,
            options=saved.options,
            methods=specs,
            labels=labels,
            metadata=metadata,
            python=python_version(),
            libraries=versions(
                {*adapter.libraries, *saved.modules, *_modules(custom), *_needed_by(given)}
            ),
            by_value=saved.by_value or (custom is not None and custom.by_value),
            executes_code=adapter.executes_code(saved.options)
            or custom is not None
            or not methods.items() <= adapter.methods(obj).items(),
            custom_objects=tuple(given.custom_objects or ()),
            example=example is not None,
            answers=answers is not None,
        )
        if given.check:
            check(name, draft.path, about, answers)
        _write(draft.path, {ANSWERS: answers})
        return draft.publish(about.to_json(), given.version).tag


def _specs(
    adapter: Adapter, obj: Any, methods: Mapping[str, bool], example: Any
) -> dict[str, Signature]:
    if example is None:
        rows = adapter.rows(obj)
    else:
        try:
            rows = describe(example)
        except ValueError as error:
            raise DeclarationError(str(error)) from error
    return {name: Signature(batchable, rows) for name, batchable in methods.items()}


def _example_and_answers(
    name: str, runnable: Any, specs: Mapping[str, Signature], given: Declaration
) -> tuple[bytes | None, bytes | None]:
    if given.example_input is None:
        return None, None
    example = encode_bytes(given.example_input)
    if not given.check:
        return example, None
    return example, _answers(name, runnable, specs, given.example_input)


def _answers(name: str, runnable: Any, specs: Mapping[str, Signature], example: Any) -> bytes:
    try:
        answers = answers_to(example, runnable, specs)
    except Exception as error:
        said = " ".join(f"{type(error).__name__}: {error}".split())
        alone = ": one row goes as [row]" if getattr(example, "ndim", 0) == 1 else ""
        raise SaveRefused(
            f"{name} was not saved: the model cannot answer example_input: {sentence(said)} "
            f"example_input is rows as they come when serving{alone}"
        ) from error
    rows = len(unstack(example, name))
    for method, answer in answers.items():
        results = length(answer)
        if results is not None and results != rows:
            raise SaveRefused(
                f"{name} was not saved: {method} gives {results} results for the {rows} rows of "
                "example_input, so it does not answer row by row: declare it with "
                f'signatures={{"{method}": {{"batchable": False}}}}'
            )
    return encode_bytes(answers)


def _pickled_custom_objects(objects: Mapping[str, Any] | None) -> pickled.Pickled | None:
    if not objects:
        return None
    if not isinstance(objects, Mapping) or not all(isinstance(key, str) for key in objects):
        raise DeclarationError(f"custom_objects must be a dict with texts as keys, got {objects!r}")
    return pickled.dumps(dict(objects))


def _needed_by(given: Declaration) -> set[str]:
    """What rows like those of the example need where the model is served."""
    return {type(given.example_input).__module__.partition(".")[0]} & {"pandas", "scipy"}


def _modules(custom: pickled.Pickled | None) -> frozenset[str]:
    return frozenset() if custom is None else custom.modules


def _write(directory: Path, files: Mapping[str, bytes | None]) -> None:
    for name, data in files.items():
        if data is not None:
            (directory / name).write_bytes(data)
