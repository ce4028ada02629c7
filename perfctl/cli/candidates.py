"""The values that a command's own options and arguments take, for a TAB; known without the parser and any driver."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

SLOW_ORDERS = ("total", "mean", "calls", "p95", "io", "temp", "wal", "rows")
SANDBOX_PARTS = ("cluster", "sentinel", "replica")
RANKINGS = ("hot", "big", "no-ttl")


def values_after(words: list[str], before: list[str], incomplete: str) -> list[str] | None:
    """What may follow the own option that ends `before`; None where it ends in no option of the table."""
    find = _OPTIONS.get((words[0], before[-1])) if words and before else None
    return None if find is None else find(incomplete)


def arguments_of(words: list[str], before: list[str]) -> list[str]:
    """What the argument after a command's words may be."""
    if words in (["cache", "clear"], ["cache", "dict", "train"]):
        return _namespaces()
    if words != ["sandbox", "logs"]:
        return []
    return sorted(path.stem for path in _found(f"{_name_in(before)}/logs", "*.log"))


def takes_value(words: list[str], flag: str) -> bool:
    """Whether the flag is an own option of the table, so that the next word is its value and no argument."""
    return bool(words) and (words[0], flag) in _OPTIONS


def _namespaces() -> list[str]:
    """The namespaces that have settings of their own, and the one that needs no name; no server is asked at a TAB."""
    from perfctl.config import load_settings
    from perfctl.errors import PerfctlError

    try:
        configured = [namespace.name for namespace in load_settings().cache.namespaces]
    except PerfctlError:
        configured = []
    return sorted({*configured, "default"})


def _parts(incomplete: str) -> list[str]:
    """The parts that are not in the list yet, each after what stands before the last comma."""
    chosen, comma, _ = incomplete.rpartition(",")
    return [f"{chosen}{comma}{part}" for part in SANDBOX_PARTS if part not in chosen.split(",")]


def _names(incomplete: str) -> list[str]:
    return sorted(path.parent.name for path in _found("", "*/state.json"))


def _found(folder: str, pattern: str) -> list[Path]:
    """Files below the sandboxes' folder; none where there is no such folder: a TAB is no place for errors."""
    import os

    from perfctl.errors import PerfctlError
    from perfctl.folders import state_home

    try:
        return list((state_home(os.environ) / "sandbox" / folder).glob(pattern))
    except (PerfctlError, OSError):
        return []


def _name_in(before: list[str]) -> str:
    """The sandbox that the line names; a name with a slash would lead out of the folder."""
    name = before[before.index("--name") + 1] if "--name" in before[:-1] else "sandbox"
    return name if "/" not in name and not name.startswith(".") else "sandbox"


def _policies(_incomplete: str) -> list[str]:
    from perfctl.cache.policies import POLICIES

    return ["default", *POLICIES]


_OPTIONS: Mapping[tuple[str, str], Callable[[str], list[str]]] = {
    ("cache", "--by"): lambda incomplete: list(RANKINGS),
    ("cache", "--fail-on"): lambda incomplete: ["warn", "fail"],
    ("cache", "--policy"): _policies,
    ("cache", "-n"): lambda incomplete: _namespaces(),
    ("cache", "--namespace"): lambda incomplete: _namespaces(),
    ("db", "--by"): lambda incomplete: list(SLOW_ORDERS),
    ("sandbox", "--with"): _parts,
    ("sandbox", "--name"): _names,
}
"""(group, flag) -> what was begun -> values."""
