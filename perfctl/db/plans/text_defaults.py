"""What EXPLAIN's text leaves out and its JSON says: zeros, where a node hangs, the grouping sets as lists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from perfctl.db.plans.parts import BLOCKS

_MEMBERS = ("Append", "Merge Append", "BitmapAnd", "BitmapOr")
_REMOVED_BY = {
    "Filter": "Rows Removed by Filter",
    "Join Filter": "Rows Removed by Join Filter",
    "Recheck Cond": "Rows Removed by Index Recheck",
    "Conflict Filter": "Rows Removed by Conflict Filter",
}


def complete(top: dict[str, Any]) -> None:
    """Fill in what the JSON form says where the text says nothing."""
    nodes = list(_every(top["Plan"]))
    has_buffers = any("Shared Hit Blocks" in node for node in nodes)
    is_verbose = any("Output" in node for node in nodes)
    is_timed = any("Actual Total Time" in node for node in nodes)
    for node in nodes:
        _group(node)
        _hang(node)
        if has_buffers:
            _fill(node, BLOCKS)
        if is_verbose and "Join Type" in node:
            node.setdefault("Inner Unique", False)
        if "Actual Loops" in node:
            _measured(node, is_timed=is_timed)
    if has_buffers and top.get("Planning") == {}:
        _fill(top["Planning"], BLOCKS)


def _every(root: dict[str, Any]) -> Iterator[dict[str, Any]]:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(node.get("Plans", []))


def _fill(node: dict[str, Any], names: tuple[str, ...]) -> None:
    for name in names:
        node.setdefault(name, 0)


def _measured(node: dict[str, Any], *, is_timed: bool) -> None:
    """The zeros of a node that was run, or could have been: text leaves them out."""
    kind = node["Node Type"]
    removed = [name for condition, name in _REMOVED_BY.items() if condition in node]
    if kind in ("Index Scan", "Index Only Scan") and "Index Cond" in node:
        removed.append(_REMOVED_BY["Recheck Cond"])
    if kind == "Bitmap Heap Scan":
        removed += ["Exact Heap Blocks", "Lossy Heap Blocks"]
    if kind == "ModifyTable" and node.get("Operation") == "Merge":
        removed += [f"Tuples {act}" for act in ("Inserted", "Updated", "Deleted", "Skipped")]
    if is_timed:
        removed += ["Actual Startup Time", "Actual Total Time"]
    _fill(node, tuple(removed))
    if node.get("Strategy") in ("Hashed", "Mixed") and kind == "Aggregate":
        for one in (node, *node.get("Workers", [])):
            if "HashAgg Batches" in one:
                one.setdefault("Disk Usage", 0)


def _group(node: dict[str, Any]) -> None:
    """The keys that rows are grouped by, in the JSON's shape: a list, or grouping sets."""
    if node["Node Type"] == "Aggregate" and node.get("Strategy") in ("Hashed", "Mixed") and "Total Cost" in node:
        node.setdefault("Planned Partitions", 0)
    said: list[tuple[str, list[str]]] = node.pop("Grouping Sets", [])
    if not said:
        return
    if len(said) == 1 and said[0][0] == "Group Key" and said[0][1] != ["()"]:
        node["Group Key"] = said[0][1]
        return
    node["Grouping Sets"] = [
        {"Sort Key": keys} if key == "Sort Key" else {f"{key}s": [[] if keys == ["()"] else keys]} for key, keys in said
    ]


def _hang(node: dict[str, Any]) -> None:
    """How each child hangs under the node."""
    plain = 0
    for child in node.get("Plans", []):
        subplan = child.get("Subplan Name")
        if subplan is not None:
            child["Parent Relationship"] = "SubPlan" if subplan.startswith("SubPlan") else "InitPlan"
            continue
        child["Parent Relationship"] = _relationship(node["Node Type"], plain)
        plain += 1


def _relationship(kind: str, place: int) -> str:
    if kind in _MEMBERS:
        return "Member"
    if kind == "Subquery Scan":
        return "Subquery"
    return "Inner" if place else "Outer"
