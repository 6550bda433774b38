"""Which CPUs there are and how a server's processes share them; starts no process."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minibento.config.runners import runner_options
from minibento.config.settings import Config
from minibento.processes.quota import cpu_quota

__all__ = ["Cpus", "Share", "Shares", "available", "chosen"]


@dataclass(frozen=True, slots=True)
class Cpus:
    """The CPUs that a server may use.

    Attributes:
        count: Whole ones, at least 1.
        why: In words, such as `quota 1.5 of 8`.
    """

    count: int
    why: str


@dataclass(frozen=True, slots=True)
class Share:
    """What one runner gets.

    Attributes:
        workers: Its processes; embedded: one in each API worker.
        threads: That each of them computes with.
        embedded: Whether it lives in the API workers.
    """

    workers: int
    threads: int
    embedded: bool = False


@dataclass(frozen=True, slots=True)
class Shares:
    """How a server uses its CPUs.

    Attributes:
        api_workers: Processes that take requests.
        runners: By name.
        line: What was chosen and why, for the log.
        warnings: What was asked for and is more than there is.
    """

    api_workers: int
    runners: Mapping[str, Share]
    line: str
    warnings: tuple[str, ...]


def available(root: Path = Path("/")) -> Cpus:
    """The CPUs this process may run on, as affinity and the cgroups' quota allow.

    A quota of 1.5 counts as 1: two that compute at once would be held back in turns.

    Args:
        root: Where `proc` and the mounted cgroups are found.
    """
    allowed = _allowed()
    quota = cpu_quota(root)
    if quota is not None and quota < allowed:
        return Cpus(max(1, int(quota)), f"cgroup quota {quota:g} of {_cpus(allowed)}")
    present = os.cpu_count() or allowed
    if allowed < present:
        return Cpus(allowed, f"affinity {allowed} of {_cpus(present)}")
    return Cpus(allowed, "all of this machine")


def chosen(config: Config, runners: Mapping[str, Mapping[str, Any]], cpus: Cpus) -> Shares:
    """How many processes and threads there will be.

    Who says nothing gets one worker for each runner, and threads such that all workers together
    have one for each CPU.

    Args:
        config: What is configured, the runners by their real names.
        runners: What is declared of each: `workers`, `threads` (None: to be chosen), `placement`.
        cpus: What there is to share.
    """
    api_workers = config.api_workers or 1
    options = {name: runner_options(config.runners.get(name), one) for name, one in runners.items()}
    embedded = {name: one.get("placement") == "embedded" for name, one in options.items()}
    workers = {
        name: 1 if embedded[name] else one.get("workers", 1) for name, one in options.items()
    }
    # An embedded runner computes once in every API worker.
    copies = {name: api_workers if embedded[name] else workers[name] for name in options}
    asked = {name: one["threads"] for name, one in options.items() if one.get("threads")}
    free = _threads(cpus.count, copies, asked)
    shares = {name: Share(workers[name], asked.get(name, free), embedded[name]) for name in options}
    at_once = sum(copies[name] * shares[name].threads for name in shares)
    return Shares(
        api_workers,
        shares,
        _line(cpus, api_workers, shares, at_once),
        tuple(_warnings(cpus, api_workers, shares, at_once, said=bool(asked))),
    )


def _threads(cpus: int, copies: Mapping[str, int], asked: Mapping[str, int]) -> int:
    """For each worker whose threads nobody has named: an equal part of what is left, at least 1."""
    others = sum(count for name, count in copies.items() if name not in asked)
    taken = sum(copies[name] * threads for name, threads in asked.items())
    if not others:
        return 1
    return max(1, min(cpus // sum(copies.values()), (cpus - taken) // others))


def _line(cpus: Cpus, api_workers: int, shares: Mapping[str, Share], at_once: int) -> str:
    parts = [f"{_cpus(cpus.count)} ({cpus.why}): {_count(api_workers, 'API worker')}"]
    parts += [f"{name} {_words(share)}" for name, share in shares.items()]
    line = "; ".join(parts)
    return f"{line}; these {at_once} take turns" if at_once > cpus.count else line


def _words(share: Share) -> str:
    threads = _count(share.threads, "thread")
    if share.embedded:
        return f"embedded with {threads}"
    return f"{_count(share.workers, 'worker')} x {threads}"


def _warnings(
    cpus: Cpus, api_workers: int, shares: Mapping[str, Share], at_once: int, *, said: bool
) -> list[str]:
    found = []
    # One worker for each of many runners is not more than anybody asked for.
    if at_once > cpus.count and (said or any(share.workers > 1 for share in shares.values())):
        found.append(
            f"runners compute with {at_once} threads at once, more than the {_cpus(cpus.count)} "
            "there are: fewer workers or threads answer sooner"
        )
    if api_workers > cpus.count:
        found.append(
            f"{api_workers} API workers are more than the {_cpus(cpus.count)} there are: "
            "they take turns"
        )
    return found


def _allowed() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1


def _cpus(count: int) -> str:
    return _count(count, "CPU")


def _count(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
