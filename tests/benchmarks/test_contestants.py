import re
from typing import Any

from benchmarks import contestants
from benchmarks.workplace import ROOT


class Model:
    def predict_proba(self, rows: list[Any]) -> Any:
        import numpy as np

        return np.tile([0.4, 0.6], (len(rows), 1))


class Place:
    """A workplace with models that need no training."""

    rows = ({"time": 12, "age": 30},)
    models = {"light": Model(), "forest": Model()}  # noqa: RUF012 -- read only

    def environment(self, model: str) -> dict[str, str]:
        return {"BENCH_PICKLE": f"{model}.pkl"}


def test_every_server_file_is_in_the_table_and_every_row_has_its_file() -> None:
    place: Any = Place()
    rows = [*contestants.noop_servers(place), *contestants.model_servers(place, "light")]
    text = " ".join(argument for row in rows for argument in row.command)
    # Some experiments have servers that no other is compared with.
    for path in (ROOT / "benchmarks/experiments").glob("*.py"):
        found = re.findall(r'"(minibento_\w+):\w+"', path.read_text("utf-8"))
        text += "".join(f" benchmarks.servers.{name}" for name in found)
    used = {word.split(":")[0] for word in text.split() if word.startswith("benchmarks.servers.")}
    types_only = {"benchmarks.servers.application"}
    files = {
        f"benchmarks.servers.{path.stem}" for path in (ROOT / "benchmarks/servers").glob("[!_]*.py")
    }
    assert files - types_only == used


def test_minibento_is_measured_wherever_others_are() -> None:
    place: Any = Place()
    assert "minibento" in {row.name for row in contestants.noop_servers(place)}
    assert "minibento" in {row.name for row in contestants.model_servers(place, "forest")}
