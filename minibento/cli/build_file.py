"""minibento.yaml as far as serving needs it: which service it names; knows no service."""

from pathlib import Path
from typing import Any

from minibento.errors import TargetError
from minibento.wording import did_you_mean

__all__ = ["BUILD_FILE", "service_of"]

BUILD_FILE = "minibento.yaml"
KEYS = ("service", "labels", "include", "exclude", "models", "python", "container")


def service_of(folder: Path) -> str | None:
    """What `service:` says in the folder's minibento.yaml; None without file or key.

    Raises:
        TargetError: the file is not YAML, holds no mapping, an unknown key, or no text there.
    """
    path = folder / BUILD_FILE
    if not path.is_file():
        return None
    content = _read(path)
    for key in content:
        if key not in KEYS:
            mend = did_you_mean(str(key), KEYS, f"the keys are {', '.join(KEYS)}")
            raise TargetError(f"{path}: unknown key {key!r}: {mend}")
    service = content.get("service")
    if service is not None and not isinstance(service, str):
        raise TargetError(f"{path}: service is {service!r}, must be text like service:CreditRisk")
    return service


def _read(path: Path) -> dict[Any, Any]:
    import yaml  # 15 ms that a TARGET of its own does not need

    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else "?"
        raise TargetError(f"{path}:{line}: {error.problem}") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        said = " ".join(str(error).split())
        raise TargetError(f"{path} cannot be read: {said}") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise TargetError(f"{path} holds a {type(content).__name__}, must hold keys like service:")
    return content
