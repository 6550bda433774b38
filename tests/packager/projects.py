"""Small projects to be bundled, and a model that they serve."""

import sys
from importlib.metadata import version
from pathlib import Path

import cloudpickle

import minibento
from minibento.bundles.machine import this_platform, this_python
from minibento.packager import lock, wheels

__all__ = ["SERVICE", "Doubler", "project", "save_doubler", "write_lock"]

SERVICE = '''
import minibento


@minibento.service
class Doubling:
    """Doubles numbers."""

    model = minibento.models.get("doubler").to_runner()

    @minibento.api
    async def double(self, number: float) -> float:
        return await self.model.double(number)
'''


class Doubler:
    def __init__(self, factor: int) -> None:
        self.factor = factor

    def double(self, numbers: list[float]) -> list[float]:
        return [self.factor * number for number in numbers]


def save_doubler(factor: int = 2) -> None:
    """Save a model that travels with its own code."""
    # By value: whoever serves it cannot import this module.
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    try:
        minibento.picklable_model.save_model(
            "doubler", Doubler(factor), signatures={"double": {"batchable": True}}
        )
    finally:
        cloudpickle.unregister_pickle_by_value(sys.modules[__name__])


def project(folder: Path, *, service: str = SERVICE, **modules: str) -> Path:
    """Write a project: service.py, and a file for each further module."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in {"service": service, **modules}.items():
        (folder / f"{name}.py").write_text(text)
    return folder


def write_lock(folder: Path, *tags: str, python: str = "", platform: str = "") -> Path:
    """A lock as `minibento lock` writes it, of what is installed here; its hashes are made up."""
    libraries = {tag: minibento.models.get(tag).libraries for tag in tags}
    wanted = lock.inputs((), libraries, [wheels.own_wheel()])
    head = lock._header(wanted, python or this_python(), platform or this_platform()).decode()
    names = sorted({wheels.name_of(one) for one in wanted})
    pins = [f"{name}=={version(name)} --hash=sha256:{'0' * 64}\n" for name in names]
    (folder / "requirements.lock").write_text(head + "".join(pins))
    return folder / "requirements.lock"
