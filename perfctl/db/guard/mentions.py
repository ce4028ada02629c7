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
_JSON_WORDS = {
    "JSON_EXISTS_OP": "json_exists", "JSON_QUERY_OP": "json_query", "JSON_VALUE_OP": "json_value",
    "JsonObjectConstructor": "json_object", "JsonArrayConstructor": "json_array",
    "JsonArrayQueryConstructor": "json_array", "JsonParseExpr": "json", "JsonScalarExpr": "json_scalar",
    "JsonSerializeExpr": "json_serialize", "JsonObjectAgg": "json_objectagg", "JsonArrayAgg": "json_arrayagg",
}  # fmt: skip
_JSON_KINDS = ("JsonFuncExpr", *(word for word in _JSON_WORDS if not word.startswith("JSON_")))
_NEWER_WORDS = frozenset({"json_object", "system_user"})
"""Functions that the grammar names by itself, which an older server looks for in the search path."""
_NEARLY_CUT = 60
"""A name is cut at 63 bytes, or before the character that reaches beyond."""
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
    properties: set[str] = field(default_factory=set)
    """What stands behind a dot where the value may be of any type: `(5).f` is `f(5)`."""

    def read_otherwise(self) -> str | None:
        """A name that a database in another encoding than UTF-8 may cut elsewhere, or write in small letters."""
        names = {call.name for call in self.calls} | {name for _, name in self.operators | self.types | self.relations}
        names |= {schema for schema, _ in self.types | self.relations} | {call.schema for call in self.calls}
        return next(filter(_is_read_otherwise, sorted(names | self.attributes | self.properties)), None)


def _is_read_otherwise(name: str) -> bool:
    return len(name.encode()) >= _NEARLY_CUT or (not name.isascii() and name != name.lower())


def mentions_of(tree: Node) -> Mentions:
    """Everything that the tree names."""
    found = Mentions()
    for node in tree.everything():
        _READERS.get(node.kind, _nothing)(node, found)
    found.types |= {(call.schema, call.name) for call in found.calls}  # `date(x)` may be a cast
    found.properties |= _of_functions(tree)
    return found


def _of_functions(tree: Node) -> set[str]:
    """What stands behind the dot of a function's row: one of generate_series() is a number."""
    rows: set[str] = set()
    for node in tree.everything():
        if node.kind == "RangeFunction":
            alias = node.get("alias")
            inner = (_name(one.get("funcname", ()))[1] for one in node.everything() if one.kind == "FuncCall")
            rows |= {alias.get("aliasname", "")} if alias else set(inner)
    columns = (list(_strings(node.get("fields", ()))) for node in tree.everything() if node.kind == "ColumnRef")
    return {name for column in columns if column and column[0] in rows for name in column[1:]}


def merged(*all_of_them: Mentions) -> Mentions:
    """What any of them names."""
    return Mentions(*(set().union(*(getattr(one, field.name) for one in all_of_them)) for field in fields(Mentions)))


def constant_calls(tree: Node) -> Mentions:
    """What of the tree the planner may compute by itself: calls whose arguments are not sure to stay columns."""
    found = Mentions()
    for node in tree.everything():
        if node.kind in ("FuncCall", "A_Expr", "TypeCast") and not _stays(node):
            inner = mentions_of(node)
            found.calls |= inner.calls
            found.operators |= inner.operators
            found.types |= inner.types
    return found


def _stays(node: Any) -> bool:
    """Whether it surely needs a row: `CASE WHEN true THEN 1 ELSE a END` does not, nor does `a + NULL`."""
    while node is not None and node.kind in ("TypeCast", "CollateClause"):
        node = node.get("arg")
    if node is None or node.kind not in ("ColumnRef", "FuncCall", "A_Expr"):
        return False
    if node.kind == "ColumnRef":
        return True
    if node.get("kind", "AEXPR_OP") != "AEXPR_OP":
        return False
    parts = node.get("args", ()) if node.kind == "FuncCall" else [node.get("lexpr"), node.get("rexpr")]
    parts = [(part, _stays(part)) for part in parts if part is not None]
    return any(stays for _, stays in parts) and all(stays or _is_value(part) for part, stays in parts)


def _is_value(node: Node | None) -> bool:
    """A literal that is not NULL."""
    while node is not None and node.kind == "TypeCast":
        node = node.get("arg")
    return node is not None and node.kind == "A_Const" and not node.get("isnull")


def _nothing(node: Node, found: Mentions) -> None:
    pass


def _call(node: Node, found: Mentions) -> None:
    schema, name = _name(node.get("funcname", ()))
    if name in _NEWER_WORDS:
        found.calls.add(Call("", name, None))
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


def _json(node: Node, found: Mentions) -> None:
    """What is grammar to a newer server is a function to an older one; without RETURNING the type is one of these."""
    word = _JSON_WORDS.get(node.get("op", ""), _JSON_WORDS.get(node.kind, ""))
    if word:
        found.calls.add(Call("", word, None))
    found.types |= {("pg_catalog", "json"), ("pg_catalog", "jsonb")}


def _xml(node: Node, found: Mentions) -> None:
    found.types.add(("pg_catalog", "xml"))


def _merge_action(node: Node, found: Mentions) -> None:
    found.calls.add(Call("", "merge_action", None))


def _column(node: Node, found: Mentions) -> None:
    found.attributes |= set(_strings(node.get("fields", ())[1:]))


def _indirection(node: Node, found: Mentions) -> None:
    names = set(_strings(node.get("indirection", ())))
    found.attributes |= names
    found.properties |= names


def _name(parts: Any) -> Name:
    words = list(_strings(parts))
    return (words[-2] if len(words) > 1 else "", words[-1] if words else "")


def _strings(parts: Any) -> Iterator[str]:
    return (part.get("sval", "") for part in parts if part.kind == "String")


_READERS = {
    "FuncCall": _call, "A_Expr": _expression, "SubLink": _sublink, "SortBy": _sort, "JoinExpr": _join,
    "CaseExpr": _equality, "RowExpr": _row, "CTECycleClause": _cycle, "TypeName": _type, "RangeVar": _relation,
    "RangeTableSample": _sample, "ColumnRef": _column, "A_Indirection": _indirection, "XmlExpr": _xml,
    "XmlSerialize": _xml, "RangeTableFunc": _xml, "MergeSupportFunc": _merge_action, "JsonTable": _json,
    **dict.fromkeys(_JSON_KINDS, _json),
}  # fmt: skip
