"""What can be configured of a server: every key with its kind and default; knows no source of it.

The classes here cross from the supervisor to its children as JSON, so they hold plain values only.
"""

from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from typing import Any, Literal, TypeVar

from minibento.config.kinds import (
    Kind,
    addresses,
    choice,
    flag,
    name,
    number,
    path,
    size,
    text,
    url_prefix,
    whole,
)

__all__ = ["EACH", "Config", "Limits", "LogSettings", "RunnerSettings", "Tls", "Tree", "tree"]

T = TypeVar("T")
# What stands for any name in the tree of keys: that of a runner, that of a variable.
EACH = "*"
Tree = dict[str, "Kind | Tree"]


@dataclass(frozen=True, slots=True)
class LogSettings:
    """How the log looks.

    Attributes:
        format: `text` or `json`; None: text on a terminal, else json.
        level: The least that is written.
    """

    format: Literal["text", "json"] | None = field(
        default=None, metadata={"kind": choice("text", "json")}
    )
    level: str = field(
        default="info", metadata={"kind": choice("debug", "info", "warning", "error")}
    )


@dataclass(frozen=True, slots=True)
class Limits:
    """What callers may take, one connection unless said.

    Attributes:
        headers_seconds: From its first byte until a request's headers are there.
        headers_bytes: Of the request line and all headers.
        body_seconds: From the headers to the last byte of the body.
        body_bytes: Of a body.
        total_body_bytes: Of all bodies above 64 KiB that an API worker holds at once.
        keep_alive_seconds: That a connection may idle between two requests.
    """

    headers_seconds: float = field(default=10.0, metadata={"kind": number("seconds")})
    headers_bytes: int = field(default=64 << 10, metadata={"kind": size()})
    body_seconds: float = field(default=30.0, metadata={"kind": number("seconds")})
    body_bytes: int = field(default=64 << 20, metadata={"kind": size()})
    total_body_bytes: int = field(default=1 << 30, metadata={"kind": size()})
    keep_alive_seconds: float = field(default=75.0, metadata={"kind": number("seconds")})


@dataclass(frozen=True, slots=True)
class Tls:
    """The files by which a server speaks TLS.

    Attributes:
        certificate: Path of the certificate chain, PEM.
        key: Path of its private key, PEM.
    """

    certificate: str = field(metadata={"kind": path("the file of a certificate chain")})
    key: str = field(metadata={"kind": path("the file of a private key")})


@dataclass(frozen=True, slots=True)
class RunnerSettings:
    """What is configured of one runner; None: what its declaration says.

    Attributes:
        workers: Worker processes.
        threads: Threads that a worker computes with.
        max_batch_size: Items in a batch at most.
        max_latency_ms: Objective for queue plus compute, in milliseconds.
        max_queue: Items that may wait in a worker.
        admission: Whether calls are refused that are predicted to be answered too late.
        max_wait_ms: Milliseconds that an answer may be predicted to take.
        max_requests: Items after which a worker is recycled; None: never.
        max_memory: Bytes of private memory at which a worker is recycled; None: none.
        preload: Whether to load once and fork.
        placement: `process` or `embedded`.
        env: Environment variables of its processes.
    """

    workers: int | None = field(default=None, metadata={"kind": whole(1, 4096)})
    threads: int | None = field(default=None, metadata={"kind": whole(1, 4096)})
    max_batch_size: int | None = field(default=None, metadata={"kind": whole(1)})
    max_latency_ms: float | None = field(default=None, metadata={"kind": number("milliseconds")})
    max_queue: int | None = field(default=None, metadata={"kind": whole(1)})
    admission: bool | None = field(default=None, metadata={"kind": flag()})
    max_wait_ms: float | None = field(default=None, metadata={"kind": number("milliseconds")})
    max_requests: int | None = field(default=None, metadata={"kind": whole(1)})
    max_memory: int | None = field(default=None, metadata={"kind": size()})
    preload: bool | None = field(default=None, metadata={"kind": flag()})
    placement: Literal["process", "embedded"] | None = field(
        default=None, metadata={"kind": choice("process", "embedded")}
    )
    env: Mapping[str, str] | None = field(default=None, metadata={"each": text(may_be_empty=True)})


@dataclass(frozen=True, slots=True)
class Config:
    """Everything about a server that is not said in its service's code.

    Attributes:
        name: What the server is called; None: as its service.
        host: Address to listen on.
        port: Port to listen on; 0: a free one.
        api_workers: Processes that take requests; None: nobody said, so one.
        api_admission: Whether calls of `def` methods are refused that are predicted to be answered
            too late.
        api_max_requests: Requests after which one of these is recycled; None: never.
        api_max_memory: Bytes of private memory at which one of these is recycled; None: none.
        timeout: Seconds an answer may take where a method says nothing; None: as declared.
        root_path: The part of the path that a proxy in front takes away.
        forwarded_allow_ips: Proxies whose X-Forwarded headers are believed.
        access_log: Whether each request is logged.
        timings: Whether answers carry their timings and the model's version.
        start_timeout: Seconds that a process may take until it is ready.
        grace: Seconds that requests under way have when the server stops.
        log: How the log looks.
        limits: What one connection may take.
        tls: The files of TLS; None: plain HTTP.
        runners: What is configured of the runners, by name.
    """

    name: str | None = field(default=None, metadata={"kind": name()})
    host: str = field(default="127.0.0.1", metadata={"kind": text("an address or host name")})
    port: int = field(default=3000, metadata={"kind": whole(0, 65535)})
    api_workers: int | None = field(default=None, metadata={"kind": whole(1, 4096)})
    api_admission: bool = field(default=True, metadata={"kind": flag()})
    api_max_requests: int | None = field(default=None, metadata={"kind": whole(1)})
    api_max_memory: int | None = field(default=None, metadata={"kind": size()})
    timeout: float | None = field(default=None, metadata={"kind": number("seconds")})
    root_path: str = field(default="", metadata={"kind": url_prefix()})
    forwarded_allow_ips: str = field(default="127.0.0.1", metadata={"kind": addresses()})
    access_log: bool = field(default=True, metadata={"kind": flag()})
    timings: bool = field(default=False, metadata={"kind": flag()})
    start_timeout: float = field(default=120.0, metadata={"kind": number("seconds")})
    grace: float = field(default=60.0, metadata={"kind": number("seconds", or_zero=True)})
    log: LogSettings = field(default_factory=LogSettings, metadata={"section": LogSettings})
    limits: Limits = field(default_factory=Limits, metadata={"section": Limits})
    tls: Tls | None = field(default=None, metadata={"section": Tls})
    runners: Mapping[str, RunnerSettings] = field(
        default_factory=dict, metadata={"each": RunnerSettings}
    )

    def to_json(self) -> dict[str, Any]:
        """It as one JSON document."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Config":
        """It again from what `to_json` made."""
        return built(cls, document)


def built(cls: type[T], given: Mapping[str, Any]) -> T:
    """A section from its values, those of its own sections as mappings; what is absent is default.

    Raises:
        LookupError: a value without a default is absent; with its name.
    """
    values: dict[str, Any] = {}
    for one in fields(cls):  # type: ignore[arg-type] # the type of a dataclass has no name
        value = given.get(one.name)
        if value is None:
            if one.default is MISSING and one.default_factory is MISSING:
                raise LookupError(one.name)
            continue
        section, each = one.metadata.get("section"), one.metadata.get("each")
        if section is not None:
            value = built(section, value)
        elif isinstance(each, type):
            value = {key: built(each, inner) for key, inner in value.items()}
        values[one.name] = value
    return cls(**values)


def tree(cls: type = Config) -> Tree:
    """The keys of a section: each with its kind, or with the keys below it."""
    found: Tree = {}
    for one in fields(cls):
        below = one.metadata.get("section")
        each = one.metadata.get("each")
        if below is not None:
            found[one.name] = tree(below)
        elif each is not None:
            found[one.name] = {EACH: tree(each) if isinstance(each, type) else each}
        else:
            found[one.name] = one.metadata["kind"]
    return found
