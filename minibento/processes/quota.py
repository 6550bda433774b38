"""How much CPU time the cgroups of this process allow, version 1 and 2; knows no processes."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

__all__ = ["cpu_quota"]


def cpu_quota(root: Path = Path("/")) -> float | None:
    """CPUs' worth of time that this process may use at most; None: nobody limits it.

    A group above may be stricter than the own one, so all of them are asked.

    Args:
        root: Where `proc` and the mounted cgroups are found.
    """
    found = [
        quota
        for mount, folder in _folders(root)
        for group in (folder, *folder.parents)
        if group.is_relative_to(mount)
        if (quota := _of(_under(root, group))) is not None
    ]
    return min(found, default=None)


@dataclass(frozen=True, slots=True)
class _Mount:
    """A mounted hierarchy: which of its groups is seen at which place."""

    group: str
    place: PurePosixPath
    controllers: frozenset[str]  # those of version 1; empty: version 2


def _folders(root: Path) -> Iterator[tuple[PurePosixPath, PurePosixPath]]:
    """For each hierarchy that limits CPU time: where it is mounted, the own group's folder."""
    mounts = list(_mounts(root))
    for line in _lines(root / "proc/self/cgroup"):
        number, controllers, path = [*line.split(":", 2), "", ""][:3]
        second = number == "0" and not controllers
        if not second and "cpu" not in controllers.split(","):
            continue
        for mount in mounts:
            if second != (not mount.controllers) or not (second or "cpu" in mount.controllers):
                continue
            yield mount.place, mount.place / _inside(path, mount.group)


def _mounts(root: Path) -> Iterator[_Mount]:
    for line in _lines(root / "proc/self/mountinfo"):
        before, _, after = line.partition(" - ")
        fields, kind = before.split(), after.split()
        if len(fields) < 5 or len(kind) < 3 or kind[0] not in ("cgroup", "cgroup2"):
            continue
        controllers = frozenset(kind[2].split(",")) if kind[0] == "cgroup" else frozenset[str]()
        yield _Mount(fields[3], PurePosixPath(fields[4]), controllers)


def _inside(path: str, group: str) -> str:
    """The group's path below the mount; empty where only a part is mounted, as in a container."""
    inside = PurePosixPath(path)
    if ".." in inside.parts or not inside.is_relative_to(group):
        return ""
    return str(inside.relative_to(group))


def _of(folder: Path) -> float | None:
    """What one group says; None: nothing, or nothing readable."""
    with suppress(ValueError, IndexError, ZeroDivisionError):
        if second := _lines(folder / "cpu.max"):
            most, period = second[0].split()
            return None if most == "max" else int(most) / int(period)
        quota = int(_lines(folder / "cpu.cfs_quota_us")[0])
        return quota / int(_lines(folder / "cpu.cfs_period_us")[0]) if quota > 0 else None
    return None


def _under(root: Path, path: PurePosixPath) -> Path:
    return root / path.relative_to("/")


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return []
