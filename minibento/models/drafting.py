"""`models.create`: a directory that the user fills; knows nothing of what goes into it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minibento.errors import SaveRefused
from minibento.models.about import CUSTOM, About, python_version
from minibento.models.declared import checked_labels, checked_metadata
from minibento.store.home import local_store
from minibento.tag import Tag

__all__ = ["Draft", "create"]


@dataclass(slots=True)
class Draft:
    """A model being written.

    Attributes:
        path: An empty directory to write into.
        tag: The exact tag, once the block has ended well; None before.
    """

    path: Path
    tag: Tag | None = None


@contextmanager
def create(
    name: str,
    labels: Mapping[str, str] | None = None,
    metadata: Mapping[str, Any] | None = None,
    version: str | None = None,
) -> Iterator[Draft]:
    """Save files that no adapter knows: write them below `draft.path` within the block.

    At the end of the block they become one version and `latest`. If the block raises nothing is
    left. How they are read is the business of a class given to `minibento.Runner`; as they may hold
    code, an imported copy needs trust.

    Raises:
        InvalidTag, DeclarationError: before the block, on a bad name, version, label or metadata.
        SaveRefused: the block wrote nothing.
        AlreadyExists: the explicit version exists with other content.
    """
    Tag(name, version)
    about = About(
        framework=CUSTOM,
        labels=checked_labels(labels),
        metadata=checked_metadata(metadata),
        python=python_version(),
        executes_code=True,
    )
    with local_store().draft(name) as draft:
        made = Draft(draft.path)
        yield made
        if not any(path.is_file() for path in draft.path.rglob("*")):
            raise SaveRefused(
                f"{name} was not saved: the block wrote no file into draft.path ({draft.path})"
            )
        made.tag = draft.publish(about.to_json(), version).tag
