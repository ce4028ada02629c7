"""The limits and the use of the container that this process runs in, from control groups of version 1 or 2."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_UNLIMITED = 1 << 60
"""Version 1 writes "no limit" as the largest page-aligned number, a little under 2**63."""


@dataclass(frozen=True, slots=True)
class Memory:
    """A limit, and what counts against it that cannot simply be dropped."""

    used_bytes: int
    limit_bytes: int


@dataclass(frozen=True, slots=True)
class Processor:
    """CPU time used since the container began, and how many CPUs it may use."""

    used_seconds: float
    cpus: float


def memory(root: Path = Path("/")) -> Memory | None:
    """The tightest memory limit over this process, or None where there is none.

    Page cache that was not touched lately is left out of the use, as `docker stats` does.
    """
    found = [*_memory_v2(root), *_memory_v1(root)]
    return min(found, key=lambda memory: memory.limit_bytes, default=None)


def processor(root: Path = Path("/")) -> Processor | None:
    """The tightest CPU quota over this process, or None where there is none."""
    found = [*_processor_v2(root), *_processor_v1(root)]
    return min(found, key=lambda processor: processor.cpus, default=None)


def _memory_v2(root: Path) -> Iterator[Memory]:
    for folder in _folders_v2(root):
        limit, used = _number(folder / "memory.max"), _number(folder / "memory.current")
        if limit is not None and used is not None:
            yield Memory(max(0, used - _fields(folder / "memory.stat").get("inactive_file", 0)), limit)


def _memory_v1(root: Path) -> Iterator[Memory]:
    for folder in _folders_v1(root, "memory"):
        limit, used = _number(folder / "memory.limit_in_bytes"), _number(folder / "memory.usage_in_bytes")
        if limit is not None and used is not None and limit < _UNLIMITED:
            yield Memory(max(0, used - _fields(folder / "memory.stat").get("total_inactive_file", 0)), limit)


def _processor_v2(root: Path) -> Iterator[Processor]:
    for folder in _folders_v2(root):
        quota, _, period = _text(folder / "cpu.max").partition(" ")
        used = _fields(folder / "cpu.stat").get("usage_usec")
        if quota.isdigit() and period.isdigit() and used is not None:
            yield Processor(used / 1e6, int(quota) / int(period))


def _processor_v1(root: Path) -> Iterator[Processor]:
    for folder in _folders_v1(root, "cpu"):
        quota, period = _number(folder / "cpu.cfs_quota_us"), _number(folder / "cpu.cfs_period_us")
        used = next((used for path in _folders_v1(root, "cpuacct") if (used := _number(path / "cpuacct.usage"))), None)
        if quota and period and used is not None:
            yield Processor(used / 1e9, quota / period)


def _folders_v2(root: Path) -> Iterator[Path]:
    """This process's group and those above it: a limit may stand on any of them."""
    yield from _and_above(root / "sys/fs/cgroup", _group(root, ""))


def _folders_v1(root: Path, controller: str) -> Iterator[Path]:
    yield from _and_above(root / "sys/fs/cgroup" / controller, _group(root, controller))


def _and_above(mount: Path, group: str) -> Iterator[Path]:
    """Inside a container the group's path may be the host's, of which only the mount itself is seen."""
    folder = mount / group.lstrip("/")
    while folder != mount and mount in folder.parents:
        yield folder
        folder = folder.parent
    yield mount


def _group(root: Path, controller: str) -> str:
    """The path behind `0::` (version 2) or behind the controller's name (version 1) in /proc/self/cgroup."""
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            return path
    return "/"


def _fields(path: Path) -> dict[str, int]:
    pairs = (line.split() for line in _text(path).splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdigit()}


def _number(path: Path) -> int | None:
    text = _text(path)
    return int(text) if text.isdigit() else None


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
