"""A directory as the adapters see a model's files; nothing is verified here."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Directory:
    root: Path

    def read(self, name: str) -> bytes:
        return (self.root / name).read_bytes()

    def path(self, name: str) -> Path:
        return self.root / name
