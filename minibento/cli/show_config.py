"""`minibento serve --show-config`: what would be served and how, without serving it."""

from dataclasses import asdict

from minibento.cli.output import Format, print_json, print_table
from minibento.config.layers import Resolved
from minibento.config.table import COLUMNS, document, rows
from minibento.processes.place import Place

__all__ = ["show"]


def show(place: Place, resolved: Resolved, output: Format) -> None:
    """Print each value and where it comes from; imports the service for what its code says.

    Raises:
        TargetError: the service cannot be imported.
        ConfigError: a runner is configured that it does not have.
    """
    from minibento.processes.describe import described
    from minibento.processes.user_service import service_at
    from minibento.runners.options import Options
    from minibento.services.declaration import DEFAULT_TIMEOUT

    said = described(service_at(place))
    declared = {
        "name": said["service"],
        "timeout": said["timeout"],
        "runners": {name: one["options"] for name, one in said["runners"].items()},
    }
    defaults = {"timeout": DEFAULT_TIMEOUT, "runners": {"*": asdict(Options())}}
    found = rows(resolved, declared, defaults)
    if output == "json":
        print_json(document(found))
    else:
        print_table(COLUMNS, [row.cells() for row in found])
