"""Where in the caller's own text an error of PostgreSQL is."""

from __future__ import annotations

from perfctl.db.postgres import StatementError


def located(error: StatementError, sql: str, shift: int = 0) -> StatementError:
    """The error with the line and column of `sql` that it is about; `shift` is added to the server's position."""
    at = None if error.position is None else error.position + shift
    if at is None or not 0 < at <= len(sql) + 1:
        return error
    before = sql[: at - 1]
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    message = f"{error.message} at line {line}, column {column}"
    return StatementError(message, sqlstate=error.sqlstate, position=at, hint=error.hint)
