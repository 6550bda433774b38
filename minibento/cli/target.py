"""From the TARGET of a command to the place of a service; imports nothing of the user's.

A TARGET is a file or folder (`service.py:CreditRisk`, `.`, `x.bundle`), `module:Attribute`, or the
tag of a bundle. Whatever it is becomes a Place: a folder to import from, a module, perhaps an
attribute.
"""

import re
import sys
from collections.abc import Sequence
from importlib.machinery import PathFinder
from pathlib import Path

from minibento.cli.bundle_target import FILE_SUFFIX, bundle_file, bundle_folder, bundle_tag
from minibento.cli.no_target import SERVICE_FILE, empty, exists, nothing
from minibento.errors import TargetError
from minibento.packager.build_file import BUILD_FILE, BuildFile, find_build_file
from minibento.processes.place import Place, module_file

__all__ = ["place", "project_place"]

_REFERENCE = re.compile(r"([^\W\d]\w*(?:\.[^\W\d]\w*)*):([^\W\d]\w*)\Z")


def place(target: str | None, folder: Path) -> Place:
    """Where TARGET points, seen from `folder`; imports nothing of the user's.

    Raises:
        TargetError: nowhere, or to two places; the message has both spellings.
    """
    if target is None:
        found = _folder_place(folder, None)
        if found is None:
            raise TargetError(empty("the current folder"))
        return found
    as_path, as_module = _path_place(target, folder), _module_place(target, folder)
    if as_path is not None and as_module is not None and as_path != as_module:
        raise TargetError(
            f"{target!r} fits two services: write ./{target} for the folder, or "
            f"{module_file(as_module)}:{as_module.attribute} for the module"
        )
    found, as_bundle = as_path or as_module, bundle_tag(target)
    if found is not None and as_bundle is not None:
        raise TargetError(
            f"{target!r} fits a bundle and {found.folder / module_file(found)}: write "
            f"{as_bundle.bundle} for the bundle, or ./{module_file(found)}:{found.attribute} for "
            "the other"
        )
    found = found or as_bundle
    if found is None:
        raise TargetError(nothing(target, folder))
    return found


def _path_place(target: str, folder: Path) -> Place | None:
    path, attribute = folder / target, None
    if not target or not exists(path):
        head, _, tail = target.rpartition(":")
        if not head or not tail.isidentifier() or not exists(folder / head):
            return None
        path, attribute = folder / head, tail
    if path.is_dir():
        return _folder_place(path, attribute)
    if path.suffix == FILE_SUFFIX:
        return bundle_file(path)
    if path.suffix != ".py":
        raise TargetError(
            f"{path} is no Python file: TARGET is a .py file, a folder, a {FILE_SUFFIX} file, "
            "module:Name or the tag of a bundle"
        )
    return _file_place(path, attribute)


def _folder_place(folder: Path, attribute: str | None) -> Place | None:
    bundled = bundle_folder(folder)
    return bundled or project_place(folder, find_build_file(folder), attribute)


def project_place(
    folder: Path, build_file: BuildFile, attribute: str | None = None
) -> Place | None:
    """Where a project's service is, as its build file says, else in service.py; None: nowhere.

    Raises:
        TargetError: the build file says what is no service.
    """
    reference = build_file.service
    if reference is not None:
        match = _REFERENCE.match(reference)
        if match is None:
            raise TargetError(
                f"{folder / BUILD_FILE}: service is {reference!r}, must be module:Name, "
                "for example service:CreditRisk"
            )
        return Place(folder.resolve(), match[1], attribute or match[2])
    if (folder / SERVICE_FILE).is_file():
        return _file_place(folder / SERVICE_FILE, attribute)
    return None


def _file_place(path: Path, attribute: str | None) -> Place:
    """A file of a package is imported as part of it, so that its own imports work."""
    path = path.resolve()
    if not path.stem.isidentifier():
        raise TargetError(f"{path.name} cannot be imported: name it with letters, digits and _")
    parts, folder = ([] if path.stem == "__init__" else [path.stem]), path.parent
    while (folder / "__init__.py").is_file():
        parts.insert(0, folder.name)
        folder = folder.parent
    return Place(folder, ".".join(parts), attribute)


def _module_place(target: str, folder: Path) -> Place | None:
    match = _REFERENCE.match(target)
    if match is None:
        return None
    path: Sequence[str] = [str(folder), *sys.path]
    for part in match[1].split("."):
        spec = PathFinder.find_spec(part, path)
        if spec is None:
            return None
        path = spec.submodule_search_locations or []
    # To Python any folder is a module; one without code has no attribute to name.
    return Place(folder.resolve(), match[1], match[2]) if spec and spec.origin else None
