"""What a statement names, also where the grammar hides the name: `IN` is the operator `=`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any

from perfctl.db.guard.tree import Node

Name = tuple[str, str]
"""Schema (empty where none is given) and name."""

_HIDDEN = {
    "AEXPR_BETWEEN": (">=", "<="), "AEXPR_BETWEEN_SYM": (">=", "<="), "AEXPR_NOT_BETWEEN": ("<", ">"),
    "AEXPR_NOT_BETWEEN_SYM": ("<", ">"),
}  # fmt: skip
_SIMILAR = ("similar_to_escape", "similar_escape", "like_escape")
_ROW_OPERATORS = ("=", "<>", "<", "<=", ">", ">=")


@dataclass(frozen=True, slots=True)
class Call:
    """A function that is called by name."""

    schema: str
    name: str
    count: int | None
    """How many arguments it is given; None where the statement does not tell."""
    is_method: bool = False
    """Whether it is named behind TABLESAMPLE."""


@dataclass(slots=True)
class Mentions:
    """Names in a statement, each as far as it was given."""

    calls: set[Call] = field(default_factory=set)
    operators: set[Name] = field(default_factory=set)
    types: set[Name] = field(default_factory=set)
    relations: set[Name] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)
    """What stands behind a dot: a column, or a function of the row."""


def mentions_of(tree: Node) -> Mentions:
    """Everything that the tree names."""
    found = Mentions()
    for node in tree.everything():
        _READERS.get(node.kind, _nothing)(node, found)
    found.types |= {(call.schema, call.name) for call in found.calls}  # `date(x)` may be a cast
    return found


def merged(*all_of_them: Mentions) -> Mentions:
    """What any of them names."""
    return Mentions(*(set().union(*(getattr(one, field.name) for one in all_of_them)) for field in fields(Mentions)))


def constant_calls(tree: Node) -> Mentions:
    """What of the tree the planner computes by itself: calls whose arguments hold no column."""
    found = Mentions()
    for node in tree.everything():
        if node.kind in ("FuncCall", "A_Expr", "TypeCast") and not _has_column(node):
            inner = mentions_of(node)
            found.calls |= inner.calls
            found.operators |= inner.operators
            found.types |= inner.types
    return found


def _has_column(tree: Node) -> bool:
    return any(node.kind == "ColumnRef" for node in tree.everything())


def _nothing(node: Node, found: Mentions) -> None:
    pass


def _call(node: Node, found: Mentions) -> None:
    schema, name = _name(node.get("funcname", ()))
    count = len(node.get("args", ())) + (len(node.get("agg_order", ())) if node.get("agg_within_group") else 0)
    found.calls.add(Call(schema, name, None if node.get("func_variadic") or node.get("agg_within_group") else count))


def _expression(node: Node, found: Mentions) -> None:
    kind = node.get("kind", "AEXPR_OP")
    names = [(one, "") for one in _HIDDEN.get(kind, ())]
    found.operators |= {("", name) for name, _ in names}
    if not names:
        found.operators.add(_name(node.get("name", ())))
    if kind == "AEXPR_SIMILAR":
        found.calls |= {Call("pg_catalog", name, None) for name in _SIMILAR}


def _sublink(node: Node, found: Mentions) -> None:
    if "testexpr" in node.fields:
        found.operators.add(_name(node.get("oper_name", ())) if "oper_name" in node.fields else ("", "="))


def _sort(node: Node, found: Mentions) -> None:
    if "use_op" in node.fields:
        found.operators.add(_name(node.get("use_op", ())))


def _join(node: Node, found: Mentions) -> None:
    if node.get("is_natural") or "using_clause" in node.fields:
        found.operators.add(("", "="))


def _equality(node: Node, found: Mentions) -> None:
    found.operators.add(("", "="))


def _row(node: Node, found: Mentions) -> None:
    found.operators |= {("", name) for name in _ROW_OPERATORS}


def _cycle(node: Node, found: Mentions) -> None:
    found.operators |= {("", "<>"), ("", "=")}


def _type(node: Node, found: Mentions) -> None:
    found.types.add(_name(node.get("names", ())))


def _relation(node: Node, found: Mentions) -> None:
    found.relations.add((node.get("schemaname", ""), node.get("relname", "")))


def _sample(node: Node, found: Mentions) -> None:
    schema, name = _name(node.get("method", ()))
    found.calls.add(Call(schema, name, None, is_method=True))


def _column(node: Node, found: Mentions) -> None:
    found.attributes |= set(_strings(node.get("fields", ())[1:]))


def _indirection(node: Node, found: Mentions) -> None:
    found.attributes |= set(_strings(node.get("indirection", ())))


def _name(parts: Any) -> Name:
    words = list(_strings(parts))
    return (words[-2] if len(words) > 1 else "", words[-1] if words else "")


def _strings(parts: Any) -> Iterator[str]:
    return (part.get("sval", "") for part in parts if part.kind == "String")


_READERS = {
    "FuncCall": _call, "A_Expr": _expression, "SubLink": _sublink, "SortBy": _sort, "JoinExpr": _join,
    "CaseExpr": _equality, "RowExpr": _row, "CTECycleClause": _cycle, "TypeName": _type, "RangeVar": _relation,
    "RangeTableSample": _sample, "ColumnRef": _column, "A_Indirection": _indirection,
}  # fmt: skip
