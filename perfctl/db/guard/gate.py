"""Whether a foreign statement may be planned, and run: what it is, and all code that it could reach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from perfctl.db.guard.grammar import Parsed, read_statement
from perfctl.db.guard.inventory import Fault, faults
from perfctl.db.guard.mentions import mentions_of
from perfctl.db.guard.tree import GrammarError
from perfctl.db.session.failures import SYNTAX, StatementError
from perfctl.errors import RefusedError

if TYPE_CHECKING:
    from perfctl.db.postgres import Session


_EXPLAINED = "--allow-write runs it in a transaction that is rolled back; --no-run shows the plan alone"


@dataclass(frozen=True, slots=True)
class Vetted:
    """A statement that passed the gate."""

    statement: str
    """Its text, as it was given."""
    kind: str
    """`SelectStmt`, `VariableShowStmt`, `ExplainStmt`; of a write `InsertStmt` and so on."""
    parameters: int
    """The greatest `$n` in it."""
    writes: str = ""
    """Why it writes, in words; empty where it reads alone."""


async def vet(
    session: Session,
    sql: str,
    *,
    trusted: tuple[str, ...] = (),
    allow_write: bool = False,
    plans_only: bool = False,
    for_writes: str = _EXPLAINED,
) -> Vetted:
    """The statement, when planning and running it can do no harm; else a RefusedError that says what could.

    `trusted` functions (`name`, `schema.name`, `schema.name(argument types)`) count as harmless. A write passes with
    `allow_write`, and where it is not run (`plans_only`); `for_writes` says what to do about one that does not.
    Nothing of the statement reaches the server here: names alone are looked up. StatementError for what the grammar
    does not know.
    """
    shape = understood(sql)
    is_run = shape.runs and not plans_only
    if shape.writes and not allow_write and (is_run or shape.makes_table):
        raise writes(shape.writes, for_writes)
    if shape.kind != "VariableShowStmt":
        found = await faults(
            session,
            mentions_of(shape.tree),
            trusted=trusted,
            writes=allow_write or bool(shape.writes),
            may_write=allow_write,
        )
        if found:
            raise refusal(found, for_writes)
    return Vetted(sql, shape.kind, parameters(shape), shape.writes)


def understood(sql: str, *, may_explain: bool = True) -> Parsed:
    """The statement's tree; an error of grammar as the server would put it."""
    try:
        return read_statement(sql, may_explain=may_explain)
    except GrammarError as error:
        message = f"PostgreSQL: {error.message} (SQLSTATE 42601)"
        raise StatementError(message, sqlstate="42601", position=error.position or None, hint=SYNTAX) from error


def writes(reason: str, hint: str = _EXPLAINED) -> RefusedError:
    """The refusal of a statement that writes."""
    return RefusedError(f"the statement writes ({reason})", hint=hint)


def refusal(found: tuple[Fault, ...], for_writes: str) -> RefusedError:
    """The refusal of a statement that could do harm, with its first reason and what would lift it."""
    if found[0].writes:
        return writes(found[0].reason, for_writes)
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    named = next((fault.functions[0] for fault in found if fault.functions), None)
    hint = (
        f"if it only reads, add {named!r} to database.trusted_functions"
        if named
        else "perfctl only runs what only reads; for the rest there is psql"
    )
    return RefusedError(f"the statement is not known to be harmless: {found[0].reason}{more}", hint=hint)


def parameters(shape: Parsed) -> int:
    """The greatest `$n`."""
    return max((node.get("number", 0) for node in shape.tree.everything() if node.kind == "ParamRef"), default=0)
