"""Files that never go into a bundle, whatever the build file says; knows no build file."""

import fnmatch
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from minibento.errors import BuildError

__all__ = [
    "KeySearch",
    "forbidden_file",
    "forbidden_folder",
    "refuse_secrets",
    "without_addresses",
]

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
    (".gitconfig", "credentials"),
    (".condarc", "credentials"),
    (".s3cfg", "credentials"),
    (".boto", "credentials"),
    (".my.cnf", "credentials"),
    (".vault-token", "credentials"),
    (".dockercfg", "credentials"),
    (".dockerconfigjson", "credentials"),
    ("pip.conf", "credentials"),
    ("pip.ini", "credentials"),
    ("uv.toml", "credentials"),
    ("auth.json", "credentials"),
    ("kaggle.json", "credentials"),
    ("rclone.conf", "credentials"),
    ("*.tfvars", "credentials"),
    ("*.tfstate", "credentials"),
    ("credentials", "credentials"),
    ("credentials.*", "credentials"),
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
# RFC 7468, section 10 and 11, and what OpenSSH and PGP write; then at least a line of the key, so
# that code which only speaks of such lines is not meant.
_PRIVATE = re.compile(
    rb"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY( BLOCK)?-----"
    rb"(\\[nr]|[^A-Za-z0-9]){1,80}([A-Za-z-]{1,20}: |[A-Za-z0-9+/=]{20})"
)
_LONGEST = 256  # bytes of a match
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
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


def refuse_secrets(what: str, files: Mapping[str, bytes]) -> None:
    """Raise BuildError if one of these files, by path, is or holds what never goes in."""
    for path, data in files.items():
        *folders, name = path.split("/")
        why = forbidden_file(name) or next(filter(None, map(_FOLDERS.get, folders)), None)
        if why is None and KeySearch().finds(data):
            why = "a private key is in it"
        if why is not None:
            raise BuildError(f"{what} holds {path} ({why}): leave it out where that is packed")


def without_addresses(text: str) -> str:
    """What another program said, without URLs: a password may stand in that of an index."""
    return _ADDRESS.sub("the index", text)


class KeySearch:
    """Looks for a private key in a file that comes in blocks."""

    def __init__(self) -> None:
        self._end = b""

    def finds(self, block: bytes) -> bool:
        """Whether there is one by the end of this block."""
        data = self._end + block
        self._end = data[-_LONGEST:]
        return _PRIVATE.search(data) is not None
