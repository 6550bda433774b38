"""Python source as text: names, literals and long lists laid out as formatters do."""

import json
import keyword
import re
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["class_name", "field_name", "listed", "literal"]

WIDTH = 88


def literal(value: Any, indent: str = "") -> str:
    """JSON-able data as Python source; every dict and list of some length over several lines."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Mapping) and value:
        lines = [f"{literal(key)}: {literal(one, indent + '    ')}" for key, one in value.items()]
        return _laid_out("{", lines, "}", indent)
    if isinstance(value, Sequence) and value:
        return listed("[", [literal(one, indent + "    ") for one in value], "]", indent)
    return repr(value)


def listed(opening: str, parts: Sequence[str], closing: str, indent: str, used: int = 40) -> str:
    """On one line if it fits beside `used` characters, else one part per line."""
    line = f"{opening}{', '.join(parts)}{closing}"
    if len(indent) + used + len(line) <= WIDTH and "\n" not in line:
        return line
    return _laid_out(opening, parts, closing, indent)


def class_name(text: str) -> str:
    """`credit-risk` as `CreditRisk`."""
    words = re.findall(r"[A-Za-z0-9]+", text)
    name = "".join(word[0].upper() + word[1:] for word in words)
    return name if re.match(r"[A-Za-z]", name) and name not in _TAKEN else f"Service{name}"


def field_name(text: str, taken: Sequence[str]) -> str:
    """A column's name as that of a pydantic field: itself if it can be one."""
    from pydantic import BaseModel  # only once a model's columns are written down

    name = re.sub(r"\W+", "_", text, flags=re.ASCII).strip("_") or "column"
    if name[0].isdigit():
        name = f"column_{name}"
    if keyword.iskeyword(name) or hasattr(BaseModel, name) or name.startswith("model_"):
        name = f"{name}_" if not name.startswith("model_") else f"column_{name}"
    while name in taken or hasattr(BaseModel, name):
        name += "_"
    return name


def _laid_out(opening: str, parts: Sequence[str], closing: str, indent: str) -> str:
    inner = "".join(f"{indent}    {part},\n" for part in parts)
    return f"{opening}\n{inner}{indent}{closing}"


# What a generated file uses beside the service's own name.
_TAKEN = ("Any", "BaseModel", "CLASSES", "Field", "Literal", "None", "True", "False", "Words")
