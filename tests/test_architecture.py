"""The arrows between folders: which part of minibento may import which."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "minibento"

# Lower floors are imported by higher ones, never the other way, never a neighbour.
FLOORS: list[set[str]] = [
    {"errors", "call", "log_outflow", "metrics", "own_loop", "wording"},
    {"config", "tag", "importing", "log", "user_metrics"},
    {"io", "wire"},
    {"batching", "store", "frameworks"},
    {"runners", "bundles", "remotes"},
    {"services", "models"},
    {"asgi", "sklearn", "xgboost", "picklable_model"},
    {"processes"},
    {"packager"},
    {"cli", "testing"},
]
FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}


def rooms() -> Iterator[tuple[str, Path]]:
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if parts != ("__init__",):
            yield parts[0], path


def imported_rooms(path: Path) -> Iterator[tuple[str, int]]:
    """Every room that the file imports, those inside functions and TYPE_CHECKING too."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute here"
            names = [node.module or ""]
            if node.module == "minibento":
                names = [f"minibento.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            if name == "minibento" or name.startswith("minibento."):
                yield name.partition(".")[2].partition(".")[0], node.lineno


def test_every_file_belongs_to_a_floor() -> None:
    assert {room for room, _ in rooms()} <= set(FLOOR_OF)


@pytest.mark.parametrize(("room", "path"), list(rooms()), ids=str)
def test_imports_go_down_only(room: str, path: Path) -> None:
    for other, line in imported_rooms(path):
        if other == room:
            continue
        assert other in FLOOR_OF, f"{path}:{line}: imports the face; import the inner file"
        assert FLOOR_OF[other] < FLOOR_OF[room], (
            f"{path}:{line}: {room} (floor {FLOOR_OF[room]}) "
            f"may not import {other} (floor {FLOOR_OF[other]})"
        )
