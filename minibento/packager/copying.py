"""A model's files into a bundle: shared by the file system where it can, else copied; checked by
whoever seals the bundle, which hashes them once.
"""

import fcntl
import os
from pathlib import Path

from minibento.store.disk import BLOCK
from minibento.store.entry import Entry
from minibento.store.files import open_below
from minibento.store.manifest import MANIFEST

__all__ = ["copy_model"]

_FICLONE = 0x40049409  # linux/fs.h


def copy_model(entry: Entry, target: Path) -> None:
    """Copy a version with its manifest into the folder `target`, which is made.

    Raises:
        OSError: the disk refuses.
        Corrupt: a file is missing or no regular file.
    """
    for path in (MANIFEST, *(record.path for record in entry.files)):
        file = target / path
        file.parent.mkdir(parents=True, exist_ok=True)
        source = open_below(entry.path, path)
        try:
            with file.open("xb") as made:
                _copy(source, made.fileno())
        finally:
            os.close(source)


def _copy(source: int, target: int) -> None:
    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError:  # another file system, or one that shares no blocks
        while os.sendfile(target, source, None, 16 * BLOCK):
            pass
