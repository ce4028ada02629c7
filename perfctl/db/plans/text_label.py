"""The line of a node in EXPLAIN's text, turned into what its JSON says of it."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

_COST = re.compile(r"\(cost=(\d+\.\d+)\.\.(\d+\.\d+) rows=(\d+(?:\.\d+)?) width=(\d+)\)")
_ACTUAL = re.compile(
    r"\((?:actual (?:time=(\d+\.\d+)\.\.(\d+\.\d+) )?rows=(\d+(?:\.\d+)?) loops=(\d+)|never executed)\)"
)
_IDENTIFIER = re.compile(r'"((?:[^"]|"")*)"|([^\s".]+)')
_AGGREGATE = re.compile(r"(?:(Partial|Finalize) )?(Hash|Group|Mixed)?Aggregate")
_JOIN = re.compile(r"(Nested Loop|Hash|Merge)(?: (Left|Right|Full|Semi|Anti|Right Semi|Right Anti))?(?: Join)?")
_SET_OPERATION = re.compile(r"(Hash)?SetOp (\w+(?: All)?)")
_CUSTOM = re.compile(r"Custom Scan \((.*)\)")
_STRATEGIES = {"Hash": "Hashed", "Group": "Sorted", "Mixed": "Mixed", None: "Plain"}
_WRITES = ("Insert", "Update", "Delete", "Merge")
_FORWARD = ("Index Scan", "Index Only Scan")
_NAMES = {"CTE Scan": "CTE Name", "WorkTable Scan": "CTE Name", "Named Tuplestore Scan": "Tuplestore Name"}
_FUNCTIONS = {"Function Scan": "Function Name", "Table Function Scan": "Table Function Name"}
_ALIAS_ALONE = ("Subquery Scan", "Values Scan")
KNOWN = frozenset(
    [
        *("Result", "ProjectSet", "Append", "Merge Append", "Recursive Union", "BitmapAnd", "BitmapOr"),
        *("Seq Scan", "Sample Scan", "Gather", "Gather Merge", "Index Scan", "Index Only Scan", "Bitmap Index Scan"),
        *("Bitmap Heap Scan", "Tid Scan", "Tid Range Scan", "Subquery Scan", "Function Scan", "Table Function Scan"),
        *("Values Scan", "CTE Scan", "Named Tuplestore Scan", "WorkTable Scan", "Foreign Scan", "Materialize"),
        *("Memoize", "Sort", "Incremental Sort", "Group", "WindowAgg", "Unique", "LockRows", "Limit", "Hash"),
        *("Nested Loop", "Hash Join", "Merge Join"),
    ]
)
"""What a node may be called, beside joins, aggregates and what writes: how a root without costs is known."""


class Figures(NamedTuple):
    """A node's line in two: its name, and what stands in parentheses behind it."""

    label: str
    values: dict[str, Any]
    has_any: bool
    """Whether there were costs or what was measured: then it is a node, whatever it is called."""


def figures_of(line: str) -> Figures:
    """The costs and what was measured at the end of a node's line, taken off it.

    >>> figures_of("Seq Scan on t  (cost=0.00..1.01 rows=1 width=4)").label
    'Seq Scan on t'
    """
    values: dict[str, Any] = {}
    rest = line.rstrip()
    actual = _last(_ACTUAL, rest, "(actual ", "(never ")
    if actual:
        rest = rest[: actual.start()].rstrip()
        values |= _measured(actual)
    cost = _last(_COST, rest, "(cost=")
    if cost:
        rest = rest[: cost.start()].rstrip()
        names = ("Startup Cost", "Total Cost", "Plan Rows", "Plan Width")
        values |= dict(zip(names, map(float, cost.groups()), strict=True))
    return Figures(rest, values, bool(actual or cost))


def _last(pattern: re.Pattern[str], text: str, *begins: str) -> re.Match[str] | None:
    """The pattern's match at the end of the text."""
    place = max(text.rfind(begin) for begin in begins)
    return pattern.fullmatch(text, place) if place > 0 else None


def _measured(found: re.Match[str]) -> dict[str, Any]:
    startup, total, rows, loops = found.groups()
    if rows is None:
        return {"Actual Rows": 0.0, "Actual Loops": 0.0}
    timed = {"Actual Startup Time": float(startup), "Actual Total Time": float(total)} if startup else {}
    return {**timed, "Actual Rows": float(rows), "Actual Loops": float(loops)}


def properties_of(label: str) -> dict[str, Any]:
    """What a node's name tells: kind, strategy, index, relation, alias, as its JSON has it.

    >>> properties_of("Parallel Seq Scan on public.t a")["Relation Name"]
    't'
    """
    found: dict[str, Any] = {}
    for prefix, name in (("Parallel ", "Parallel Aware"), ("Async ", "Async Capable")):
        if label.startswith(prefix):
            label, found[name] = label.removeprefix(prefix), True
    title, place = _parted(label)
    title, _, index = title.partition(" using ")
    if index:
        found["Index Name"] = _unquoted(index)
    found |= _kind(title)
    return found | _place(str(found["Node Type"]), place) if place else found


def is_known(label: str) -> bool:
    """Whether a line without costs is a node's by its name."""
    title, _ = _parted(label)
    title = title.partition(" using ")[0].removeprefix("Parallel ").removeprefix("Async ").removesuffix(" Backward")
    return (
        title in KNOWN
        or title in _WRITES
        or any(pattern.fullmatch(title) for pattern in (_AGGREGATE, _JOIN, _SET_OPERATION, _CUSTOM))
    )


def is_target(line: str) -> bool:
    """Whether it is one of the tables that a node writes, where it writes several."""
    return line.removeprefix("Foreign ").startswith(tuple(f"{write} on " for write in _WRITES))


def target_of(line: str) -> dict[str, Any]:
    """`Update on public.p1 p_1` as the JSON has it."""
    return _place("ModifyTable", _parted(line)[1])


def _parted(label: str) -> tuple[str, str]:
    """The node's own name, and what stands behind ` on `, which a name in quotes may hold, too."""
    place = label.find(" on ")
    while place >= 0 and label.count('"', 0, place) % 2:
        place = label.find(" on ", place + 1)
    return (label, "") if place < 0 else (label[:place], label[place + 4 :])


def _kind(title: str) -> dict[str, Any]:
    if aggregate := _AGGREGATE.fullmatch(title):
        partial, strategy = aggregate.groups()
        return {"Node Type": "Aggregate", "Strategy": _STRATEGIES[strategy], "Partial Mode": partial or "Simple"}
    if join := _JOIN.fullmatch(title):
        base = join[1] if join[1] == "Nested Loop" else f"{join[1]} Join"
        if base == title or join[2] or base == "Nested Loop":
            return {"Node Type": base, "Join Type": join[2] or "Inner"}
    if operation := _SET_OPERATION.fullmatch(title):
        strategy = "Hashed" if operation[1] else "Sorted"
        return {"Node Type": "SetOp", "Strategy": strategy, "Command": operation[2]}
    if title in _WRITES:
        return {"Node Type": "ModifyTable", "Operation": title}
    return _scan(title)


def _scan(title: str) -> dict[str, Any]:
    if title.startswith("Foreign "):
        operation = title.removeprefix("Foreign ")
        return {"Node Type": "Foreign Scan", "Operation": operation if operation in _WRITES else "Select"}
    if custom := _CUSTOM.fullmatch(title):
        return {"Node Type": "Custom Scan", "Custom Plan Provider": custom[1]}
    base = title.removesuffix(" Backward")
    if base in _FORWARD:
        return {"Node Type": base, "Scan Direction": "Forward" if base == title else "Backward"}
    return {"Node Type": title}


def _place(node_type: str, place: str) -> dict[str, Any]:
    """What follows ` on `: an index, or [schema.]relation [alias]."""
    if node_type == "Bitmap Index Scan":
        return {"Index Name": _unquoted(place)}
    name, rest = _identifier(place)
    found: dict[str, Any] = {}
    if rest.startswith("."):
        found["Schema"] = name
        name, rest = _identifier(rest[1:])
    alias = _unquoted(rest.strip()) if rest.strip() else name
    if node_type in _ALIAS_ALONE:
        return {"Alias": alias}
    key = _NAMES.get(node_type) or _FUNCTIONS.get(node_type, "Relation Name")
    return {**found, key: name, "Alias": alias}


def _identifier(text: str) -> tuple[str, str]:
    """The identifier that a text begins with, without its quotes, and the rest."""
    found = _IDENTIFIER.match(text)
    if found is None:
        return text, ""
    name = found[2] if found[1] is None else found[1].replace('""', '"')
    return name, text[found.end() :]


def _unquoted(text: str) -> str:
    return _identifier(text.strip())[0]
