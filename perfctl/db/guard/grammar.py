"""What a statement is: one, of a kind that reads, every part of it known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from perfctl.db.guard.tree import Node, parsed
from perfctl.errors import RefusedError, UsageError

READS: Final = frozenset({"SelectStmt", "VariableShowStmt", "ExplainStmt"})
WRITES: Final = frozenset({"InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"})

_PART_NAMES: Final = (
    "SelectStmt Node List Integer Float Boolean String BitString A_Const ParamRef ColumnRef A_Star A_Indices "
    "A_Indirection A_ArrayExpr A_Expr BoolExpr NullTest BooleanTest CaseExpr CaseWhen CoalesceExpr MinMaxExpr "
    "RowExpr SubLink FuncCall NamedArgExpr TypeCast TypeName CollateClause SQLValueFunction GroupingFunc "
    "GroupingSet XmlExpr XmlSerialize JsonFormat JsonReturning JsonValueExpr JsonIsPredicate JsonBehavior "
    "JsonTablePathSpec JsonOutput JsonArgument JsonFuncExpr JsonTable JsonTableColumn JsonKeyValue JsonParseExpr "
    "JsonScalarExpr JsonSerializeExpr JsonObjectConstructor JsonArrayConstructor JsonArrayQueryConstructor "
    "JsonAggConstructor JsonObjectAgg JsonArrayAgg ResTarget Alias RangeVar RangeSubselect RangeFunction "
    "RangeTableFunc RangeTableFuncCol RangeTableSample JoinExpr ColumnDef SortBy WindowDef WithClause "
    "CommonTableExpr CTESearchClause CTECycleClause LockingClause IntoClause"
)
_WRITING_PART_NAMES: Final = (
    "SetToDefault MultiAssignRef MergeWhenClause MergeAction MergeSupportFunc OnConflictClause InferClause IndexElem "
    "ReturningClause ReturningOption"
)
_PARTS: Final = frozenset((*_PART_NAMES.split(), *_WRITING_PART_NAMES.split(), *WRITES))
_EXPLAINING: Final = frozenset({"ExplainStmt", "DefElem"})
_WORDS: Final = {
    "TransactionStmt": "BEGIN, COMMIT and their like", "VariableSetStmt": "SET", "DoStmt": "DO", "CopyStmt": "COPY",
    "InsertStmt": "INSERT", "UpdateStmt": "UPDATE", "DeleteStmt": "DELETE", "MergeStmt": "MERGE", "CallStmt": "CALL",
    "ExecuteStmt": "EXECUTE", "PrepareStmt": "PREPARE", "DeallocateStmt": "DEALLOCATE", "NotifyStmt": "NOTIFY",
    "ListenStmt": "LISTEN", "UnlistenStmt": "UNLISTEN", "DeclareCursorStmt": "DECLARE", "FetchStmt": "FETCH",
    "LockStmt": "LOCK", "VacuumStmt": "VACUUM and ANALYZE", "TruncateStmt": "TRUNCATE", "CreateStmt": "CREATE TABLE",
    "CreateTableAsStmt": "CREATE TABLE AS", "CheckPointStmt": "CHECKPOINT", "DiscardStmt": "DISCARD",
    "RefreshMatViewStmt": "REFRESH", "AlterSystemStmt": "ALTER SYSTEM", "DropStmt": "DROP", "ViewStmt": "CREATE VIEW",
    "CreateFunctionStmt": "CREATE FUNCTION", "LoadStmt": "LOAD",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Parsed:
    """One statement that may be looked at further."""

    tree: Node
    """What is run or planned: within an EXPLAIN, the statement in it."""
    kind: str
    """`SelectStmt`, `VariableShowStmt`, `ExplainStmt`; of a write `InsertStmt` and so on."""
    runs: bool
    """Whether what `tree` says is done: EXPLAIN without ANALYZE plans alone."""
    writes: str
    """Why the statement writes, in words; empty where it reads alone."""
    makes_table: bool = False
    """SELECT INTO, which even planned makes a schema for temporary tables where there is none."""


def read_statement(sql: str, *, may_explain: bool = True) -> Parsed:
    """The one statement of the text. UsageError where there is none; RefusedError for several, and for other kinds.

    A GrammarError (a UsageError with `position`) where the grammar does not know the text.
    """
    found = parsed(sql)
    if not found:
        raise UsageError("the SQL text holds no statement", hint="give a SELECT, as an argument, with -f FILE or as -")
    if len(found) > 1:
        raise RefusedError(
            f"the SQL text holds {len(found)} statements, and one is taken at a time", hint="give one statement"
        )
    return _judged(found[0], may_explain=may_explain)


def _judged(tree: Node, *, may_explain: bool) -> Parsed:
    kind, inner, runs = tree.kind, tree, True
    if kind == "ExplainStmt":
        if not may_explain:
            raise RefusedError("EXPLAIN of an EXPLAIN", hint="give the statement itself")
        inner, runs = tree.get("query", Node("Nothing")), _is_analyzed(tree)
        _known(tree, inner, _EXPLAINING | {"String", "Integer", "Float", "Boolean", "List", "Node"})
    if inner.kind == "VariableShowStmt" and kind != "ExplainStmt":
        return Parsed(inner, kind, runs=True, writes="")
    if inner.kind not in WRITES | {"SelectStmt"}:
        raise _wrong_kind(inner, "explained" if kind == "ExplainStmt" else "run")
    _known(inner, None, _PARTS)
    into = any(node.kind == "IntoClause" for node in inner.everything())
    return Parsed(inner, kind, runs=runs, writes=_writing(inner), makes_table=into)


def _wrong_kind(node: Node, what: str) -> RefusedError:
    word = _WORDS.get(node.kind, node.kind.removesuffix("Stmt"))
    return RefusedError(
        f"a statement of the kind {word} is not {what}", hint="SELECT, VALUES, TABLE, WITH and SHOW are"
    )


def _is_analyzed(explain: Node) -> bool:
    """Whether ANALYZE stands there with any value but a clear no; the last one counts, as for the server."""
    wanted = False
    for option in explain.get("options", ()):
        if option.get("defname", "").lower() == "analyze":
            argument = option.get("arg")
            value = next(iter(argument.fields.values()), 0) if argument else "on"
            wanted = str(value).lower() not in ("off", "false", "0")
    return wanted


def _known(tree: Node, without: Node | None, kinds: frozenset[str]) -> None:
    """Every node's kind is listed; what is not, is refused by its name."""
    stack = [tree]
    while stack:
        node = stack.pop()
        if node is without:
            continue
        if node.kind not in kinds:
            raise RefusedError(f"the statement holds {node.kind}, which perfctl does not know as harmless")
        stack.extend(node.children())


def _writing(tree: Node) -> str:
    for node in tree.everything():
        if node.kind in WRITES:
            return f"{_WORDS[node.kind]}" + ("" if node is tree else " within WITH")
        if node.kind == "IntoClause":
            return "SELECT INTO makes a table"
        if node.kind == "LockingClause":
            return "FOR UPDATE and FOR SHARE lock rows, and write that into them"
    return ""
