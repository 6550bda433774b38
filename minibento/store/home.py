"""Where the stores are on this machine; knows nothing of what is in them."""

import os
from pathlib import Path

from minibento.errors import StoreError
from minibento.store.store import Store

__all__ = ["home", "local_store"]


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


def local_store(kind: str = "models") -> Store:
    """The models (or bundles) of `home()`, asked at each call so that it may be set at any time."""
    return Store(home(), kind)
