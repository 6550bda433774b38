"""Who one is at a registry: found where `docker login` and `skopeo login` leave it; asks nobody.

What is secret is in no repr and in no message, and goes to no program's arguments.
"""

import base64
import binascii
import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from minibento.errors import RemoteError

__all__ = ["Credentials", "find", "places"]

_HELPER = re.compile(r"[A-Za-z0-9._-]+\Z")
_HELPER_SECONDS = 30
_NONE_FOUND = "credentials not found"  # how every helper says so
_IDENTITY = "<token>"  # the user that helpers give with an identity token
_HUB = "https://index.docker.io/v1/"  # what Docker Hub is called in these files
_HUB_HOSTS = {"docker.io", "index.docker.io", "registry-1.docker.io"}


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who one is.

    Attributes:
        place: The file that says so, for messages.
        user: Empty with an identity token.
        secret: A password, or an identity token.
        identity: It is a token that is to be exchanged, no password.
    """

    place: Path
    user: str = field(repr=False)
    secret: str = field(repr=False)
    identity: bool = False

    @property
    def basic(self) -> str:
        """The header of HTTP Basic authentication."""
        return "Basic " + base64.b64encode(f"{self.user}:{self.secret}".encode()).decode()


def places() -> list[Path]:
    """The files that are looked into, in this order, whether they exist or not."""
    home = Path.home()
    named = os.environ.get("REGISTRY_AUTH_FILE")
    docker = os.environ.get("DOCKER_CONFIG")
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    return [
        *([Path(named)] if named else []),
        *([Path(docker) / "config.json"] if docker else []),
        *([Path(runtime) / "containers" / "auth.json"] if runtime else []),
        home / ".config" / "containers" / "auth.json",
        *([] if docker else [home / ".docker" / "config.json"]),
    ]


def find(host: str, repository: str) -> Credentials | None:
    """The first that any of the places has for a registry, or for a part of it.

    Raises:
        RemoteError: a file cannot be read, or its credential helper fails.
    """
    for place in places():
        config = _read(place)
        found = _from_helper(place, config, host) or _from_file(place, config, host, repository)
        if found is not None:
            return found
    return None


def _read(place: Path) -> dict[str, Any]:
    try:
        config = json.loads(place.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        # A JSON error would carry the whole text along, with what is secret in it.
        reason = error.strerror if isinstance(error, OSError) else "it is not JSON"
        raise _unusable(place, str(reason)) from None
    if not isinstance(config, dict):
        raise _unusable(place, "it is no JSON object")
    return config


def _from_file(
    place: Path, config: dict[str, Any], host: str, repository: str
) -> Credentials | None:
    auths = config.get("auths")
    if not isinstance(auths, dict):
        return None
    known = {_normal(key): entry for key, entry in auths.items()}
    parts = [host, *repository.split("/")]
    candidates = ["/".join(parts[:end]) for end in range(len(parts), 0, -1)]
    if host in _HUB_HOSTS:
        candidates.append(_normal(_HUB))
    for candidate in candidates:
        entry = known.get(candidate)
        if isinstance(entry, dict) and (found := _entry(place, entry)) is not None:
            return found
    return None


def _entry(place: Path, entry: dict[str, Any]) -> Credentials | None:
    if token := entry.get("identitytoken"):
        return Credentials(place, "", str(token), identity=True)
    if not (encoded := entry.get("auth")):
        return None  # a helper has it
    try:
        user, colon, secret = base64.b64decode(str(encoded), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise _unusable(place, "an `auth` in it is not base64") from None
    if not colon:
        raise _unusable(place, "an `auth` in it is no USER:PASSWORD")
    return Credentials(place, user, secret.rstrip("\0"))


def _from_helper(place: Path, config: dict[str, Any], host: str) -> Credentials | None:
    helpers = config.get("credHelpers")
    name = helpers.get(host) if isinstance(helpers, dict) else None
    name = name or config.get("credsStore")
    if not name:
        return None
    if not isinstance(name, str) or _HELPER.match(name) is None:
        raise _unusable(place, f"{str(name)[:50]!r} is no name of a credential helper")
    program = shutil.which(f"docker-credential-{name}")
    if program is None:
        raise _unusable(place, f"its credential helper docker-credential-{name} is not installed")
    done = _ask(place, program, _HUB if host in _HUB_HOSTS else host)
    if done.returncode != 0 and _NONE_FOUND in done.stdout:
        return None
    try:
        answer = json.loads(done.stdout)
        user, secret = answer["Username"], answer["Secret"]
    except (ValueError, LookupError, TypeError):
        # What it has printed may be half a secret: it is shown to nobody.
        raise _unusable(
            place,
            f"docker-credential-{name} gave no credentials (exit code {done.returncode}; "
            f"see: echo {host} | docker-credential-{name} get)",
        ) from None
    identity = user == _IDENTITY
    return Credentials(place, "" if identity else str(user), str(secret), identity=identity)


def _ask(place: Path, program: str, server: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            [program, "get"],
            input=server,
            capture_output=True,
            text=True,
            timeout=_HELPER_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _unusable(place, f"{program} gave no answer in {_HELPER_SECONDS} s") from None
    except (OSError, UnicodeDecodeError):
        raise _unusable(place, f"{program} cannot be run") from None


def _normal(key: str) -> str:
    """`https://host/v1/` and `host` are the same registry."""
    plain = re.sub(r"\Ahttps?://", "", key).rstrip("/")
    return re.sub(r"/v[12]\Z", "", plain)


def _unusable(place: Path, reason: str) -> RemoteError:
    return RemoteError(f"{place} cannot be used: {reason}; log in again, or mend the file")
