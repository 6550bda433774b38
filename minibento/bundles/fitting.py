"""Whether a bundle can run here at all; asked before anything of it is loaded."""

from minibento.bundles.facts import Facts
from minibento.bundles.machine import this_platform, this_python
from minibento.errors import BuildError
from minibento.tag import Tag

__all__ = ["refuse_other_machine"]


def refuse_other_machine(tag: Tag, facts: Facts) -> None:
    """Raise BuildError unless this is the Python and the platform that a bundle is made for."""
    if facts.python != this_python():
        raise BuildError(
            f"{tag} is made for Python {facts.python}, this is {this_python()}: run it with "
            f"python{facts.python}, or build it with --python {this_python()}"
        )
    if facts.platform != this_platform():
        raise BuildError(
            f"{tag} is made for {facts.platform}, this is {this_platform()}: build it with "
            f"--platform {this_platform()}"
        )
