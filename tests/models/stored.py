"""Looks at what a store holds, for tests that say that nothing was left."""

from pathlib import Path


def files_below(root: Path) -> list[Path]:
    """Every file of a model, drafts included; locks and the store's own state are not counted."""
    own = {"model.pkl", "model.skops", "model.ubj", "custom_objects.pkl", "manifest.json"}
    return [path for path in root.rglob("*") if path.name in own or path.suffix == ".msgpack"]
