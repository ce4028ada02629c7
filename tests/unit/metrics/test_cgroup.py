"""Limits of containers, read from made-up trees of control groups."""

from __future__ import annotations

from pathlib import Path

from perfctl.metrics.cgroup import Memory, Processor, memory, processor


def _tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    return root


def test_without_control_groups_there_is_no_limit(tmp_path: Path) -> None:
    assert (memory(tmp_path), processor(tmp_path)) == (None, None)


def test_version_2_in_a_container_reads_the_root_of_its_own_namespace(tmp_path: Path) -> None:
    root = _tree(
        tmp_path,
        {
            "proc/self/cgroup": "0::/",
            "sys/fs/cgroup/memory.max": "536870912",
            "sys/fs/cgroup/memory.current": "300000000",
            "sys/fs/cgroup/memory.stat": "anon 200000000\ninactive_file 50000000",
            "sys/fs/cgroup/cpu.max": "150000 100000",
            "sys/fs/cgroup/cpu.stat": "usage_usec 2500000\nuser_usec 2000000",
        },
    )
    assert memory(root) == Memory(used_bytes=250000000, limit_bytes=536870912)
    assert processor(root) == Processor(used_seconds=2.5, cpus=1.5)


def test_version_2_without_a_limit_says_max(tmp_path: Path) -> None:
    root = _tree(
        tmp_path,
        {
            "proc/self/cgroup": "0::/user.slice/shell.scope",
            "sys/fs/cgroup/user.slice/shell.scope/memory.max": "max",
            "sys/fs/cgroup/user.slice/shell.scope/memory.current": "300000000",
            "sys/fs/cgroup/user.slice/shell.scope/cpu.max": "max 100000",
            "sys/fs/cgroup/user.slice/shell.scope/cpu.stat": "usage_usec 2500000",
        },
    )
    assert (memory(root), processor(root)) == (None, None)


def test_the_tightest_of_the_groups_above_counts(tmp_path: Path) -> None:
    root = _tree(
        tmp_path,
        {
            "proc/self/cgroup": "0::/kubepods/pod1/c1",
            "sys/fs/cgroup/kubepods/pod1/c1/memory.max": "2000",
            "sys/fs/cgroup/kubepods/pod1/c1/memory.current": "500",
            "sys/fs/cgroup/kubepods/pod1/memory.max": "1000",
            "sys/fs/cgroup/kubepods/pod1/memory.current": "900",
        },
    )
    assert memory(root) == Memory(used_bytes=900, limit_bytes=1000)


def test_version_1_reads_each_controller_from_its_own_folder(tmp_path: Path) -> None:
    root = _tree(
        tmp_path,
        {
            "proc/self/cgroup": "4:memory:/docker/abc\n2:cpu,cpuacct:/docker/abc\n0::/",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "1000000",
            "sys/fs/cgroup/memory/memory.usage_in_bytes": "700000",
            "sys/fs/cgroup/memory/memory.stat": "cache 5\ntotal_inactive_file 100000",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "50000",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
            "sys/fs/cgroup/cpuacct/cpuacct.usage": "3000000000",
        },
    )
    assert memory(root) == Memory(used_bytes=600000, limit_bytes=1000000)
    assert processor(root) == Processor(used_seconds=3.0, cpus=0.5)


def test_version_1_without_a_limit_writes_a_huge_one_and_a_negative_quota(tmp_path: Path) -> None:
    root = _tree(
        tmp_path,
        {
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
            "sys/fs/cgroup/memory/memory.usage_in_bytes": "700000",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
            "sys/fs/cgroup/cpuacct/cpuacct.usage": "3000000000",
        },
    )
    assert (memory(root), processor(root)) == (None, None)
