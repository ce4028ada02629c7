"""Names of nodes: as EXPLAIN's text has them, and what a reader calls one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from perfctl.db.model.plans import PlanNode

_AGGREGATES = {"Hashed": "HashAggregate", "Sorted": "GroupAggregate", "Mixed": "MixedAggregate"}


def full_type(node: Mapping[str, Any], node_type: str) -> str:
    """The name as EXPLAIN's text has it: `Parallel Seq Scan`, `Hash Left Join`, `HashAggregate`, `Update`.

    >>> full_type({"Join Type": "Right Anti"}, "Hash Join")
    'Hash Right Anti Join'
    """
    name = _name(node, node_type)
    if node.get("Scan Direction") == "Backward":
        name += " Backward"
    if node.get("Async Capable") is True:
        name = f"Async {name}"
    return f"Parallel {name}" if node.get("Parallel Aware") is True else name


def called(node: PlanNode) -> str:
    """What to call a node in a sentence: `Index Scan using stocks_pkey on stocks s`, `Bitmap Index Scan on i`."""
    relation = node.relation or node.function
    if relation is None and node.alias is None:
        return f"{node.node_type} on {node.index}" if node.index else node.node_type
    alias = f" {node.alias}" if node.alias and node.alias != relation else ""
    using = f" using {node.index}" if node.index else ""
    return f"{node.node_type}{using} on{f' {relation}' if relation else ''}{alias}"


def _name(node: Mapping[str, Any], node_type: str) -> str:
    if node_type == "Aggregate":
        name = _AGGREGATES.get(str(node.get("Strategy")), node_type)
        partial = str(node.get("Partial Mode") or "Simple")
        return name if partial == "Simple" else f"{partial} {name}"
    if node_type == "SetOp" and node.get("Command"):
        return f"{'HashSetOp' if node.get('Strategy') == 'Hashed' else 'SetOp'} {node['Command']}"
    if node_type == "ModifyTable":
        return str(node.get("Operation") or node_type)
    if node_type == "Foreign Scan" and (node.get("Operation") or "Select") != "Select":
        return f"Foreign {node['Operation']}"
    if node_type == "Custom Scan" and node.get("Custom Plan Provider"):
        return f"Custom Scan ({node['Custom Plan Provider']})"
    join = str(node.get("Join Type") or "Inner")
    if join == "Inner":
        return node_type
    return f"Nested Loop {join} Join" if node_type == "Nested Loop" else node_type.replace("Join", f"{join} Join")
