"""The safe format of scikit-learn models: skops files of types known to run no code.

Two saves of one model give the same bytes: skops itself writes the time and memory addresses.
Nothing here ever falls back to a pickle.
"""

import io
import json
import zipfile
from typing import Any

from minibento import importing
from minibento.errors import Corrupt, DeclarationError, Untrusted

__all__ = ["dumps", "loads"]

# What common estimators are made of and skops does not trust by itself. None runs code when made.
_TRUSTED = [
    "numpy.dtype",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
]
_SCHEMA = "schema.json"


def dumps(obj: object) -> bytes:
    """The object as a skops file.

    Raises:
        DeclarationError: it holds types that skops cannot write or that are not known to be safe.
    """
    skops = importing.optional("skops.io", purpose='format="skops"')
    kind = type(obj).__name__
    instead = 'use format="cloudpickle" (loading it executes code) or leave them out of the model'
    try:
        data: bytes = skops.dumps(obj)
    except Exception as error:
        # skops raises exceptions of many modules for what it cannot write.
        raise DeclarationError(f"skops cannot write {kind}: {error}; {instead}") from error
    if unknown := _untrusted(skops, data):
        raise DeclarationError(
            f'format="skops" holds only types known to be safe, {kind} needs {unknown}: {instead}'
        )
    return _settled(data)


def loads(data: bytes) -> Any:
    """The object in a skops file.

    Raises:
        Corrupt: it is no skops file.
        Untrusted: it names types that are not known to be safe.
    """
    skops = importing.optional("skops.io", purpose="a model in skops format")
    refusal = f"not a skops file (it begins with {data[:4]!r}, a skops file with b'PK')"
    if not data.startswith(b"PK"):
        raise Corrupt(f"{refusal}: nothing was loaded; save the model again")
    try:
        unknown = _untrusted(skops, data)
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise Corrupt(f"not a whole skops file: {error}; nothing was loaded") from error
    if unknown:
        raise Untrusted(
            f"the skops file names types that are not known to be safe: {unknown}; nothing was "
            "loaded"
        )
    return skops.loads(data, trusted=_TRUSTED)


def _untrusted(skops: Any, data: bytes) -> str:
    return ", ".join(sorted(set(skops.get_untrusted_types(data=data)) - set(_TRUSTED)))


def _settled(data: bytes) -> bytes:
    """The same archive with numbers counted from 1 for memory addresses, and without times."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(members.pop(_SCHEMA))
    numbers: dict[str, int] = {}
    settled = {_SCHEMA: json.dumps(_renumbered(schema, numbers)).encode()}
    for name, content in members.items():
        settled[_renamed(name, numbers)] = content
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(settled):
            archive.writestr(zipfile.ZipInfo(name), settled[name])
    return buffer.getvalue()


def _renumbered(node: Any, numbers: dict[str, int]) -> Any:
    if isinstance(node, list):
        return [_renumbered(item, numbers) for item in node]
    if not isinstance(node, dict):
        return node
    made: dict[str, Any] = {}
    for key, value in node.items():
        if key == "__id__" and isinstance(value, int):
            made[key] = numbers.setdefault(str(value), len(numbers) + 1)
        elif key == "file" and isinstance(value, str):
            made[key] = _renamed(value, numbers)
        else:
            made[key] = _renumbered(value, numbers)
    return made


def _renamed(file: str, numbers: dict[str, int]) -> str:
    stem, dot, suffix = file.partition(".")
    return f"{numbers.setdefault(stem, len(numbers) + 1)}{dot}{suffix}"
