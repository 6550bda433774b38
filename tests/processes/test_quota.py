"""What cgroups allow, read from trees of files like those that systems show."""

from pathlib import Path

import pytest

from minibento.processes.quota import cpu_quota

V2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate"
V1 = "32 31 0:29 {} /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct"


def tree(root: Path, cgroup: str, mounts: str, files: dict[str, str]) -> Path:
    """A root with these files below /sys/fs/cgroup."""
    own = root / "proc/self"
    own.mkdir(parents=True)
    (own / "cgroup").write_text(cgroup)
    (own / "mountinfo").write_text(f"21 1 8:1 / / rw - ext4 /dev/sda1 rw\n{mounts}\n")
    for name, content in files.items():
        path = root / "sys/fs/cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


def test_version_2_in_a_container_that_sees_itself_as_the_root(tmp_path: Path) -> None:
    root = tree(tmp_path, "0::/\n", V2, {"cpu.max": "150000 100000\n"})
    assert cpu_quota(root) == 1.5


def test_version_2_takes_the_strictest_of_the_groups_above(tmp_path: Path) -> None:
    files = {
        "a.slice/cpu.max": "200000 100000",
        "a.slice/b.service/cpu.max": "400000 100000",
        "a.slice/b.service/inner/cpu.max": "max 100000",
    }
    assert cpu_quota(tree(tmp_path, "0::/a.slice/b.service/inner", V2, files)) == 2


def test_version_2_without_a_limit(tmp_path: Path) -> None:
    assert cpu_quota(tree(tmp_path, "0::/", V2, {"cpu.max": "max 100000"})) is None


def test_version_1(tmp_path: Path) -> None:
    files = {
        "cpu,cpuacct/job/cpu.cfs_quota_us": "50000",
        "cpu,cpuacct/job/cpu.cfs_period_us": "100000",
        "cpu,cpuacct/cpu.cfs_quota_us": "-1",
        "cpu,cpuacct/cpu.cfs_period_us": "100000",
    }
    cgroup = "5:memory:/job\n4:cpu,cpuacct:/job\n0::/\n"
    assert cpu_quota(tree(tmp_path, cgroup, V1.format("/"), files)) == 0.5


def test_version_1_in_a_container_that_is_told_the_path_of_the_host(tmp_path: Path) -> None:
    files = {
        "cpu,cpuacct/cpu.cfs_quota_us": "300000",
        "cpu,cpuacct/cpu.cfs_period_us": "100000",
    }
    mounted = V1.format("/docker/abc")
    assert cpu_quota(tree(tmp_path, "4:cpu,cpuacct:/docker/abc", mounted, files)) == 3


@pytest.mark.parametrize("path", ["/../../other", "/elsewhere"])
def test_a_group_outside_of_what_is_mounted_is_asked_at_the_mount(
    tmp_path: Path, path: str
) -> None:
    mounts = V2.replace(" / /sys", " /mine /sys")
    assert cpu_quota(tree(tmp_path, f"0::{path}", mounts, {"cpu.max": "100000 100000"})) == 1


@pytest.mark.parametrize("content", ["", "nonsense", "1 0", "a b", "1"])
def test_what_cannot_be_read_limits_nothing(tmp_path: Path, content: str) -> None:
    assert cpu_quota(tree(tmp_path, "0::/\n:\nx", V2, {"cpu.max": content})) is None


def test_a_system_without_cgroups_limits_nothing(tmp_path: Path) -> None:
    assert cpu_quota(tmp_path) is None


def test_this_system_can_be_asked() -> None:
    quota = cpu_quota()
    assert quota is None or quota > 0
