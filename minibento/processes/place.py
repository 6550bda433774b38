"""Where a service is; plain data that crosses from the command line to the nursery."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Place", "enter_bundle", "module_file"]


@dataclass(frozen=True, slots=True)
class Place:
    """`module` is imported with `folder` on the path.

    Attributes:
        attribute: Of the service in the module; None: its only one.
        bundle: Folder of the bundle that the code is of, whose models and no others it gets.
        python: The interpreter of the bundle's own environment; None: the present one.
    """

    folder: Path
    module: str
    attribute: str | None
    bundle: Path | None = None
    python: Path | None = None

    @property
    def bundle_tag(self) -> str | None:
        """The tag of the bundle, by the folder it lies in."""
        return None if self.bundle is None else f"{self.bundle.parent.name}:{self.bundle.name}"

    def to_json(self) -> dict[str, str | None]:
        """For another process."""
        return {
            "folder": str(self.folder),
            "module": self.module,
            "attribute": self.attribute,
            "bundle": None if self.bundle is None else str(self.bundle),
        }

    @classmethod
    def from_json(cls, given: dict[str, str | None]) -> "Place":
        """What `to_json` wrote."""
        bundle = given["bundle"]
        return cls(
            Path(given["folder"] or ""),
            given["module"] or "",
            given["attribute"],
            None if bundle is None else Path(bundle),
        )


def enter_bundle(folder: str | None) -> None:
    """From now on this process gets its models from the bundle in `folder`, and leaves it whole.

    Args:
        folder: None: nothing changes.
    """
    if folder is not None:
        os.environ["MINIBENTO_BUNDLE"] = folder
        # Byte code beside the sources would be a file that does not belong, whoever writes it.
        sys.dont_write_bytecode = True
        os.environ["PYTHONDONTWRITEBYTECODE"] = "1"


def module_file(at: Place) -> str:
    """The file of the module, relative to the folder, for messages."""
    base = Path(*at.module.split("."))
    package = at.folder / base / "__init__.py"
    return str(base / "__init__.py" if package.is_file() else base.with_suffix(".py"))
