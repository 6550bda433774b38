"""Whether user code has written into the folder that is being packed; reads no file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from minibento.errors import BuildError
from minibento.store.files import walk

__all__ = ["untouched"]


@contextmanager
def untouched(folder: Path, doing: str) -> Iterator[None]:
    """See that no file below the folder is made, changed or removed during the block.

    Raises:
        BuildError: one was; the message names it.
    """
    before = _seen(folder)
    yield
    changed = sorted({path for path, *_ in before ^ _seen(folder)})
    if changed:
        raise BuildError(
            f"the service writes into its own folder {doing}: {changed[0]}: a bundle stays as it "
            "was built, so write elsewhere, to a path that the environment gives"
        )


def _seen(folder: Path) -> set[tuple[str, int, int, int]]:
    """The time of a change cannot be set by hand, unlike that of the content."""
    found = walk(folder)
    return {(path, one.st_ino, one.st_size, one.st_ctime_ns) for path, one in found}
