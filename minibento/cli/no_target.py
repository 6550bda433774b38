"""Why a TARGET leads nowhere, and what may have been meant; finds no service itself."""

from difflib import get_close_matches
from pathlib import Path

from minibento.cli.bundle_target import FILE_SUFFIX
from minibento.errors import MinibentoError
from minibento.packager.build_file import BUILD_FILE
from minibento.store.home import local_store
from minibento.tag import Tag
from minibento.wording import did_you_mean

__all__ = ["SERVICE_FILE", "empty", "exists", "nothing"]

SERVICE_FILE = "service.py"


def exists(path: Path) -> bool:
    """Whether something is there; False for what no path can be."""
    try:
        return path.exists()
    except (OSError, ValueError):  # longer than a path may be; a NUL
        return False


def empty(where: str) -> str:
    """What is said of a folder without a service."""
    return (
        f"{where} has neither {BUILD_FILE} nor {SERVICE_FILE}: name the service as TARGET "
        "(service.py:CreditRisk), or `minibento init DIR` writes one to begin with"
    )


def nothing(target: str, folder: Path) -> str:
    """What is near: files for a path, the right form for a bare name, a model of this name."""
    head, _, attribute = target.partition(":")
    if head and exists(folder / head) and (folder / head).is_dir():
        return empty(head)
    if exists(folder / f"{head}.py"):
        return f"{target!r} is neither a file nor module:Name: did you mean {head}.py?"
    if head.endswith((".py", FILE_SUFFIX)) or "/" in head:
        return _no_file(head, attribute, folder)
    near = _near(f"{head}.py", folder)
    if near:
        meant = ":".join(filter(None, (near.removesuffix(".py"), attribute)))
        return f"there is no {head!r} here: did you mean {meant}?"
    return _no_name(target)


def _no_file(head: str, attribute: str, folder: Path) -> str:
    near = _near(head, folder)
    meant = ":".join(filter(None, (near, attribute)))
    mend = f"did you mean {meant}?" if near else "check the path"
    return f"there is no {head!r}, {folder / head} was looked for: {mend}"


def _near(path: str, folder: Path) -> str:
    """The path with the nearest name beside it of the same kind; empty: none is near."""
    wanted = Path(path)
    beside = folder / wanted.parent
    try:
        # Without the suffix, which all have: with it, each short name would be near each other.
        stems = [one.stem for one in sorted(beside.iterdir()) if one.suffix == wanted.suffix]
    except (OSError, ValueError):
        return ""
    near = get_close_matches(wanted.stem, stems, n=1)
    return str(wanted.with_name(near[0] + wanted.suffix)) if near else ""


def _no_name(target: str) -> str:
    said = (
        f"{target!r} is neither a file, a folder, a module that can be imported from here, nor a "
        "bundle"
    )
    mend = (
        "write service.py:CreditRisk, a folder, service:CreditRisk, or a tag that "
        "`minibento bundles list` shows"
    )
    try:
        tag = Tag.parse(target)
        if _names("models") & {tag.name}:
            written = f"`minibento init DIR --model {tag}` writes one"
            return f"{said}, but a model, which a service serves: {written}"
        return f"{said}: {did_you_mean(tag.name, _names('bundles'), mend)}"
    except MinibentoError:  # it is no tag, or the store cannot be read
        return f"{said}: {mend}"


def _names(kind: str) -> set[str]:
    return {one.tag.name for one in local_store(kind).list()}
