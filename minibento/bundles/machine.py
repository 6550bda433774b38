"""What this machine is, in the words that bundles use; knows no bundle."""

import platform
import sys

from minibento.errors import BuildError

__all__ = ["PLATFORMS", "machine_of", "this_platform", "this_python"]

# Those that a bundle can be built for from elsewhere, with what Linux calls the machine.
PLATFORMS = {"linux/amd64": "x86_64", "linux/arm64": "aarch64"}
_ARCHITECTURES = {machine: name.partition("/")[2] for name, machine in PLATFORMS.items()}


def this_python() -> str:
    """The minor version of this Python, as `3.11`."""
    return f"{sys.version_info[0]}.{sys.version_info[1]}"


def this_platform() -> str:
    """System and architecture, as container images name them: `linux/amd64`."""
    machine = platform.machine().lower()
    return f"{sys.platform}/{_ARCHITECTURES.get(machine, machine)}"


def machine_of(name: str) -> str:
    """What Linux calls the machine of a platform: `x86_64` of `linux/amd64`.

    Raises:
        BuildError: nothing can be built for that platform from elsewhere.
    """
    if name not in PLATFORMS:
        raise BuildError(f"platform is {name}, must be one of {', '.join(PLATFORMS)}")
    return PLATFORMS[name]
