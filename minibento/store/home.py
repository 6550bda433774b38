"""Where the store is on this machine; knows nothing of what is in it."""

import os
from pathlib import Path

from minibento.errors import StoreError

__all__ = ["home"]


def home() -> Path:
    """The folder that holds all stores: `$MINIBENTO_HOME`, else `~/minibento`; it may not exist.

    Raises:
        StoreError: neither says a folder (no home directory, or an unknown `~user`).
    """
    text = os.environ.get("MINIBENTO_HOME") or "~/minibento"
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError as error:
        raise StoreError(
            f"the store's folder {text!r} cannot be found ({error}): "
            "set MINIBENTO_HOME to an absolute path"
        ) from error
