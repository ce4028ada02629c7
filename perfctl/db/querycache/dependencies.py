"""What a statement's answer depends on, and what a write touches: PostgreSQL's grammar, then the server's catalog."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from perfctl.db.guard.inventory import search_path
from perfctl.db.guard.mentions import Call, mentions_of
from perfctl.db.guard.tree import Node, parsed
from perfctl.db.querycache.moving import tells_time
from perfctl.db.querycache.store import EVERYTHING, Dependencies
from perfctl.db.questions import question
from perfctl.db.session.harmless import FUNCTIONS
from perfctl.errors import PerfctlError

if TYPE_CHECKING:
    from perfctl.db.postgres import Record, Session

_LOOK_SECONDS = 10.0
_DEEPEST = 8
"""So deep views and functions are followed."""

_MOVING = """
now transaction_timestamp statement_timestamp clock_timestamp timeofday random random_normal gen_random_uuid uuidv4
uuidv7 array_sample array_shuffle current_database current_schema current_schemas current_setting current_user
session_user
current_query get_current_ts_config version format_type obj_description col_description shobj_description
inet_server_addr inet_server_port inet_client_addr inet_client_port to_regclass to_regproc to_regprocedure to_regtype
to_regrole to_regnamespace has_table_privilege has_column_privilege has_schema_privilege has_database_privilege
has_function_privilege ts_parse ts_token_type ts_debug ts_lexize
"""
CONSTANT: Final = FUNCTIONS - frozenset(_MOVING.split()) - {name for name in FUNCTIONS if name.startswith("pg_")}
"""Functions of PostgreSQL that give the same answer until a table changes, or a setting that the key names."""

_MOVING_PARTS = {
    "SQLValueFunction": "the time, or who asks",
    "RangeTableSample": "a sample",
    "LockingClause": "rows that it locks",
    "IntoClause": "a table that it makes",
}
_WRITES = frozenset({"InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"})
_CARRIED = frozenset({"UpdateStmt", "DeleteStmt", "MergeStmt", "OnConflictClause"})
"""What foreign keys may carry on to other tables."""
_UNUSABLE_KINDS = {"f": "foreign table", "S": "sequence", "missing": "unknown relation"}


async def can_be_asked_plainly(session: Session) -> bool:
    """Whether a question of ours means PostgreSQL's own operators: no schema of users stands before pg_catalog."""
    with session.leaving_nothing():
        path = [schema for schema in await search_path(session) if not schema.startswith("pg_temp_")]
    return path[:1] == ["pg_catalog"]  # names of operators and functions are not looked up in pg_temp


async def dependencies(session: Session, sql: str) -> Dependencies:
    """The tables behind a statement; a reason where its answer may change without a write to one of them."""
    try:
        look = _Look(session)
        await look.follow(parsed(sql))
    except _Moving as moving:
        return Dependencies((), str(moving))
    except PerfctlError as error:
        return Dependencies((), error.message)
    return Dependencies(tuple(sorted(look.tables)))


async def touched(session: Session, sql: str) -> tuple[str, ...]:
    """The tables that a statement may have written to; `EVERYTHING` alone where nobody can say."""
    try:
        trees = parsed(sql)
        nodes = [node for tree in trees for node in tree.everything()]
        kinds = {node.kind for node in nodes}
        if "IntoClause" in kinds or any(tree.kind not in _WRITES | {"SelectStmt"} for tree in trees):
            return (EVERYTHING,)
        if not await can_be_asked_plainly(session):
            return (EVERYTHING,)
        await _Look(session, moves=True).follow(trees)
        targets = [_name(node.get("relation")) for node in nodes if node.kind in _WRITES]
        if not targets:
            return ()
        rows = await _asked(session, "query_writes", *_columns(targets), bool(kinds & _CARRIED))
    except (_Moving, PerfctlError):
        return (EVERYTHING,)
    if any(row["runs_code"] for row in rows):
        return (EVERYTHING,)
    return tuple(sorted({row["table"] for row in rows}))


class _Moving(Exception):  # noqa: N818 - a reason, not an error
    """The answer may change by itself."""


@dataclass(slots=True)
class _Look:
    """One look at everything that a statement leads to. `moves`: answers may change by themselves, but not write."""

    session: Session
    moves: bool = False
    tables: set[str] = field(default_factory=set)
    _seen_relations: set[tuple[str, str]] = field(default_factory=set)
    _seen_calls: set[tuple[str, str, bool]] = field(default_factory=set)
    _seen_operators: set[str] = field(default_factory=set)

    async def follow(self, trees: Iterable[Node], depth: int = 0) -> None:
        """Look at trees, and at the views and functions in them. `_Moving` where the answer cannot be kept."""
        if depth > _DEEPEST:
            raise _Moving("views within views, too many of them")
        below: list[Node] = []
        for tree in trees:
            self._look_at(tree)
            found = mentions_of(tree)
            hidden = {node.get("ctename", "") for node in tree.everything() if node.kind == "CommonTableExpr"}
            relations = found.relations - self._seen_relations
            self._seen_relations |= relations
            below += await self._relations(relations, hidden)
            below += await self._functions(found.calls, {name for _, name in found.operators})
        if below:
            await self.follow(below, depth + 1)

    def _look_at(self, tree: Node) -> None:
        if self.moves:
            return
        if tree.kind != "SelectStmt":
            raise _Moving("a statement that does more than select")
        for node in tree.everything():
            if node.kind in _MOVING_PARTS:
                raise _Moving(_MOVING_PARTS[node.kind])
            if node.kind in _WRITES:
                raise _Moving("rows that it writes")
            value = node.get("sval") if node.kind == "A_Const" else None
            if isinstance(value, Node) and tells_time(value.get("sval", "")):
                raise _Moving("the time")

    async def _relations(self, names: set[tuple[str, str]], hidden: set[str]) -> list[Node]:
        """Remember tables; the trees of views. A table that a WITH query of its name hides counts all the same."""
        if not names:
            return []
        below: list[Node] = []
        for row in await _asked(self.session, "query_relations", *_columns(names)):
            if row["kind"] == "missing" and not row["schema"] and row["name"] in hidden:
                continue
            if not self.moves:
                _refuse_relation(row)
            self._seen_relations.add((row["schema"] or "", row["name"]))
            if row["kind"] == "v":
                below += parsed(row["definition"])
            elif row["roots"]:
                self.tables |= set(row["roots"])
        return below

    async def _functions(self, calls: set[Call], operators: set[str]) -> list[Node]:
        """Judge what is called; the trees of functions in SQL."""
        fresh = {(call.schema, call.name, call.count == 1) for call in calls} - self._seen_calls
        self._seen_calls |= fresh
        ages = any(name == "age" and is_single for _, name, is_single in fresh)
        if ages and not self.moves:
            raise _Moving("age(), which asks the clock")
        operators, names = operators - self._seen_operators, {(schema, name) for schema, name, _ in fresh}
        self._seen_operators |= operators
        rows = await _asked(self.session, "query_functions", *_columns(names), sorted(operators))
        known = {row["name"] for row in rows}
        for _, name in names:
            if name not in known and name not in FUNCTIONS:
                raise _Moving(f"the function {name}, which is not known")
        below: list[Node] = []
        for row in rows:
            below += self._function(row)
        return below

    def _function(self, row: Record) -> list[Node]:
        name = f"{row['schema']}.{row['name']}"
        if row["schema"] == "pg_catalog":
            if self.moves or row["volatility"] == "i" or (row["volatility"] == "s" and row["name"] in CONSTANT):
                return []
            raise _Moving(f"the function {row['name']}, whose answer changes by itself")
        if row["is_extension"] and row["language"] in ("c", "internal") and row["volatility"] != "v":
            if self.moves or row["volatility"] == "i":
                return []
            raise _Moving(f"the function {name}, whose answer may change by itself")
        if row["language"] == "sql" and row["volatility"] != "v" and row["kind"] == "f" and not row["is_steered"]:
            return _body_of(row)
        raise _Moving(f"the function {name}, which may do anything")


def _refuse_relation(row: Record) -> None:
    name = f"{row['schema']}.{row['name']}"
    if row["kind"] in _UNUSABLE_KINDS:
        raise _Moving(f"the {_UNUSABLE_KINDS[row['kind']]} {name}")
    if row["persistence"] == "t":
        raise _Moving(f"the temporary table {name}")
    if row["has_row_security"]:
        raise _Moving(f"{name}, whose rows are secured")
    if row["schema"] in ("pg_catalog", "information_schema", "pg_toast"):
        raise _Moving(f"the server's own {name}")


def _body_of(row: Record) -> list[Node]:
    """The statements of a function in SQL: its text, or the body that the server parsed."""
    if row["body"]:
        return parsed(row["body"])
    return [
        node
        for tree in parsed(row["definition"])
        for option in (tree.get("sql_body"),)
        if isinstance(option, Node)
        for node in _statements_in(option)
    ]


def _statements_in(body: Node) -> Iterable[Node]:
    """`RETURN expression` and `BEGIN ATOMIC ... END` hold statements and expressions."""
    return [body if body.kind == "SelectStmt" else Node("SelectStmt", {"target_list": [body]})]


def _name(relation: Node) -> tuple[str, str]:
    return (relation.get("schemaname", ""), relation.get("relname", ""))


def _columns(names: Iterable[tuple[str, str]]) -> tuple[list[str], list[str]]:
    ordered = sorted(set(names))
    return [schema for schema, _ in ordered], [name for _, name in ordered]


async def _asked(session: Session, name: str, *arguments: object) -> list[Record]:
    with session.leaving_nothing():  # a question of ours is no write, whatever users' functions are called
        return await session.fetch(question(name), *arguments, timeout=_LOOK_SECONDS)
