"""What this machine is, in the words that bundles use; knows no bundle."""

import platform
import sys

__all__ = ["PLATFORMS", "this_platform", "this_python"]

# Those that a bundle can be built for from elsewhere, with what Linux calls the machine.
PLATFORMS = {"linux/amd64": "x86_64", "linux/arm64": "aarch64"}
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def this_python() -> str:
    """The minor version of this Python, as `3.11`."""
    return f"{sys.version_info[0]}.{sys.version_info[1]}"


def this_platform() -> str:
    """System and architecture, as container images name them: `linux/amd64`."""
    machine = platform.machine().lower()
    return f"{sys.platform}/{_ARCHITECTURES.get(machine, machine)}"
