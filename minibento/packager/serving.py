"""A bundle as something to serve: where its code is, and in which environment it runs.

Loads nothing of the bundle: what does not fit is refused before that.
"""

import os
import sys
from pathlib import Path
from typing import NoReturn

from minibento.bundles.bundle import Bundle
from minibento.bundles.fitting import refuse_other_machine
from minibento.bundles.layout import ENVIRONMENT
from minibento.errors import BuildError
from minibento.packager.environment import (
    Difference,
    differences,
    environment_folder,
    installed_environment,
)
from minibento.packager.lock import read_lock
from minibento.packager.wheels import own_version
from minibento.processes.place import Place
from minibento.store.home import home

__all__ = ["continue_in", "different_libraries", "place_of"]

_SHOWN = 10


def place_of(bundle: Bundle) -> Place:
    """Where the bundle's service is.

    Raises:
        BuildError: it is made for another Python or platform.
        Corrupt: its code is not what was built.
    """
    refuse_other_machine(bundle.tag, bundle.facts)
    bundle.verify_code()
    module, _, attribute = bundle.facts.service.partition(":")
    python = installed_environment(home(), bundle.facts)
    return Place(bundle.code, module, attribute, bundle.path, python)


def continue_in(at: Place) -> None:
    """Go on as the interpreter of the bundle's own environment, if that is another one.

    Does not return then: this process becomes that one, with the same arguments.
    """
    if at.python is not None and Path(sys.prefix) != at.python.parents[1]:
        _become(at.python)


def _become(python: Path) -> NoReturn:
    arguments = [str(python), "-P", "-m", "minibento.cli", *sys.argv[1:]]
    os.execv(python, arguments)  # noqa: S606 -- no shell is wanted


def different_libraries(at: Place) -> list[str]:
    """Each library that is not here as the bundle is locked to, in words.

    Raises:
        BuildError: the bundle cannot be served with what is here.
    """
    assert at.bundle is not None
    bundle = Bundle(at.bundle)
    facts = bundle.facts
    if at.python is not None:
        # Its own environment has all; but workers and their supervisor must be of one version.
        _refuse_other_minibento(bundle, "restart the server")
        return []
    pins = dict(read_lock(bundle.read(ENVIRONMENT), ENVIRONMENT).pins)
    pins.pop("pip", None)  # it installs, and nothing else needs it
    found = differences({**pins, "minibento": facts.minibento})
    far = [one for one in found if one.is_major]
    if far:
        raise BuildError(
            f"{bundle.tag} cannot be served with the libraries here: {_listed(far)}: install its "
            f"own into {environment_folder(home(), facts)} with `python3 FILE.bundle install "
            f"--home {home()}`, or pip install -r {bundle.path / ENVIRONMENT} in its folder"
        )
    return [_in_words(one) for one in found]


def _refuse_other_minibento(bundle: Bundle, mend: str) -> None:
    if bundle.facts.minibento != own_version():
        raise BuildError(
            f"{bundle.tag} comes with minibento {bundle.facts.minibento}, this is "
            f"{own_version()}: {mend}"
        )


def _listed(found: list[Difference]) -> str:
    words = [_in_words(one) for one in found]
    more = f" and {len(words) - _SHOWN} more" if len(words) > _SHOWN else ""
    return ", ".join(words[:_SHOWN]) + more


def _in_words(one: Difference) -> str:
    return f"{one.name} {one.wanted} ({f'here {one.here}' if one.here else 'missing here'})"
