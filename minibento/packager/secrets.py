"""Files that never go into a bundle, whatever the build file says; knows no build file."""

import fnmatch
import re
from collections.abc import Sequence
from pathlib import Path

__all__ = ["forbidden_file", "forbidden_folder", "holds_a_key"]

_VERSION_CONTROL = {".git", ".hg", ".svn", ".bzr", "CVS"}
_CACHES = {
    *("__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", ".tox", ".nox"),
    *(".ipynb_checkpoints", ".cache", ".eggs", ".dvc"),
}
_ENVIRONMENTS = {".venv", "node_modules", "conda-meta"}
_CREDENTIALS = {".aws", ".ssh", ".kube", ".gnupg", ".azure", ".gcloud", ".docker"}
_FOLDERS = {
    **dict.fromkeys(_VERSION_CONTROL, "version control"),
    **dict.fromkeys(_CACHES, "a cache"),
    **dict.fromkeys(_ENVIRONMENTS, "an environment"),
    **dict.fromkeys(_CREDENTIALS, "credentials"),
}
_FILES: Sequence[tuple[str, str]] = (
    (".env", "credentials"),
    (".env.*", "credentials"),
    ("*.env", "credentials"),
    (".envrc", "credentials"),
    (".netrc", "credentials"),
    ("_netrc", "credentials"),
    (".pypirc", "credentials"),
    (".npmrc", "credentials"),
    (".pgpass", "credentials"),
    (".htpasswd", "credentials"),
    (".git-credentials", "credentials"),
    ("credentials", "credentials"),
    ("*credentials*.json", "credentials"),
    ("*service[-_]account*.json", "credentials"),
    ("client_secret*.json", "credentials"),
    ("secrets.*", "credentials"),
    ("kubeconfig", "credentials"),
    ("id_rsa*", "a key"),
    ("id_dsa*", "a key"),
    ("id_ecdsa*", "a key"),
    ("id_ed25519*", "a key"),
    ("*.pem", "a key"),
    ("*.key", "a key"),
    ("*.p12", "a key"),
    ("*.pfx", "a key"),
    ("*.jks", "a key"),
    ("*.keystore", "a key"),
    ("*.ppk", "a key"),
    ("*.kdbx", "a key"),
    ("*.ipynb", "a notebook, whose outputs may hold data"),
    ("*.py[co]", "a cache"),
    (".git", "version control"),
    (".DS_Store", "a cache"),
    ("*.bundle", "a bundle"),
)
# RFC 7468, section 10 and 11, and what OpenSSH and PGP write.
_PRIVATE = re.compile(rb"-----BEGIN [A-Z0-9 ]*PRIVATE KEY( BLOCK)?-----")
_LOOKED_AT = 64 << 10
# The code that a bundle is made of may be called as if it were one: `secrets.py` is a module.
_CODE = ".py"


def forbidden_folder(path: Path) -> str | None:
    """Why nothing below this folder goes in; None: it may."""
    reason = _FOLDERS.get(path.name)
    if reason is None and (path / "pyvenv.cfg").exists():
        return "an environment"
    return reason


def forbidden_file(name: str) -> str | None:
    """Why no file of this name goes in; None: it may."""
    if name.endswith(_CODE):
        return None
    lowered = name.lower()
    return next((why for pattern, why in _FILES if fnmatch.fnmatchcase(lowered, pattern)), None)


def holds_a_key(data: bytes) -> bool:
    """Whether the beginning of a file has a private key in it."""
    return _PRIVATE.search(data[:_LOOKED_AT]) is not None
