"""From an `oci://` URL to the server behind it; asks nobody."""

from dataclasses import dataclass
from ipaddress import ip_address

from minibento.remotes.address import Address

__all__ = ["RegistryPlace", "is_loopback"]

# Docker Hub is called otherwise than its server.
_SERVERS = {"docker.io": "registry-1.docker.io", "index.docker.io": "registry-1.docker.io"}


@dataclass(frozen=True, slots=True)
class RegistryPlace:
    """One repository of one registry."""

    address: Address

    @property
    def named(self) -> str:
        """Host and port, as they are called where credentials are kept."""
        return self.address.place.partition("/")[0]

    @property
    def repository(self) -> str:
        """The path in the registry."""
        return self.address.place.partition("/")[2]

    @property
    def host(self) -> str:
        """The host alone."""
        named = self.named
        return named.rpartition("]")[0].lstrip("[") if "]" in named else named.partition(":")[0]

    @property
    def url(self) -> str:
        """Where the API of the repository begins; plain http on this very machine only."""
        scheme = "http" if is_loopback(self.host) else "https"
        return f"{scheme}://{_SERVERS.get(self.named, self.named)}/v2/{self.repository}"


def is_loopback(host: str) -> bool:
    """Whether that is this machine, without asking anybody for the name."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
