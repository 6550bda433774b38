"""Where a service is; plain data that crosses from the command line to the nursery."""

from dataclasses import dataclass
from pathlib import Path

__all__ = ["Place", "module_file"]


@dataclass(frozen=True, slots=True)
class Place:
    """`module` is imported with `folder` on the path.

    Attributes:
        attribute: Of the service in the module; None: its only one.
    """

    folder: Path
    module: str
    attribute: str | None

    def to_json(self) -> dict[str, str | None]:
        """For another process."""
        return {"folder": str(self.folder), "module": self.module, "attribute": self.attribute}

    @classmethod
    def from_json(cls, given: dict[str, str | None]) -> "Place":
        """What `to_json` wrote."""
        return cls(Path(given["folder"] or ""), given["module"] or "", given["attribute"])


def module_file(at: Place) -> str:
    """The file of the module, relative to the folder, for messages."""
    base = Path(*at.module.split("."))
    package = at.folder / base / "__init__.py"
    return str(base / "__init__.py" if package.is_file() else base.with_suffix(".py"))
