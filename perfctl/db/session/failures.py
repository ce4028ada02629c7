"""What PostgreSQL's refusals and broken connections are to a caller: our errors, by SQLSTATE and by system error."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Literal

from perfctl.errors import AuthError, PerfctlError, ServiceError, TimedOutError, UnreachableError

Reason = Literal["lost", "crowded", "starting", "away"]
"""The connection broke under a statement; every one is taken; the server starts or stops; it cannot be reached."""

_AUTH = ("28", "42501")
_GONE = ("08", "57P", "53300")
_WHY_NOT: Mapping[str, Reason] = {"53300": "crowded", "57P03": "starting", "57P01": "starting", "57P02": "starting"}
_QUERY_CANCELED = "57014"
SYNTAX = "mend the statement there; %s and %(name)s are parameters, which --param (params=) gives their values"
_HINTS = {
    "3D000": "perfctl config show --origin says where the database's name was set",
    "42601": SYNTAX,
    "42883": "does it exist for arguments of these types? cast them, or name it as schema.function",
    "42P01": "does the table exist in this schema? name it as schema.table, or set search_path",
    "53300": "every connection the server allows is taken: lower max_connections here, or raise it there",
    "55P03": "another session holds a lock on it: try again later",
    "22000": "give each parameter the type that its place in the statement has",
    "25006": "the statement writes, and the transaction or the server is read-only",
}


_HINTS_OF_CLASS = {
    "22": "a value does not fit what is done with it: mend the statement, or the parameter",
    "23": "the rows would break a rule of their table",
}


class StatementError(ServiceError):
    """PostgreSQL refused a statement; `position` counts characters from 1, None where it named none."""

    def __init__(self, message: str, *, sqlstate: str, position: int | None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.sqlstate = sqlstate
        self.position = position


class NoConnectionError(UnreachableError):
    """There is no connection, or no more; `reason` says why."""

    def __init__(self, message: str, *, reason: Reason, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.reason = reason


REACH = "is it running there? perfctl config show --origin says where its address was set"


def unreachable(error: Exception, server: str, *, is_open: bool = False) -> UnreachableError:
    """A connection that could not be made, or, where it `is_open`, broke."""
    # asyncio puts the address in place of the reason: "Connect call failed ('127.0.0.1', 5432)".
    number = error.errno if isinstance(error, ConnectionError) else None
    reason = os.strerror(number).lower() if number else str(error) or type(error).__name__
    if "rejected SSL upgrade" in reason:
        hint = "the server has no TLS; off loopback perfctl asks for it: sslmode: disable sends everything in the clear"
        return UnreachableError(f"PostgreSQL at {server} does not speak TLS", hint=hint)
    told = "broke the connection" if is_open else "cannot be reached"
    return NoConnectionError(
        f"PostgreSQL at {server} {told}: {reason}", reason="lost" if is_open else "away", hint=REACH
    )


def refused(error: Any, server: str, *, is_open: bool = False) -> PerfctlError:
    """What PostgreSQL itself said, with its SQLSTATE."""
    state = error.sqlstate or "XX000"
    said = f"{error.args[0] if error.args else error}"
    hint = getattr(error, "hint", None) or _HINTS.get(state) or getattr(error, "detail", None)
    hint = hint or _HINTS_OF_CLASS.get(state[:2])
    if state.startswith(_AUTH):
        return AuthError(f"PostgreSQL at {server}: {said} (SQLSTATE {state})", hint=hint or _who(state))
    if state.startswith(_GONE):
        return NoConnectionError(
            f"PostgreSQL at {server}: {said} (SQLSTATE {state})",
            reason="lost" if is_open else _WHY_NOT.get(state, "away"),
            hint=hint or REACH,
        )
    if state == _QUERY_CANCELED and "statement timeout" in said:
        return TimedOutError(f"PostgreSQL at {server}: {said}", hint="give it longer with --timeout")
    position = getattr(error, "position", None)
    return StatementError(
        f"PostgreSQL: {said} (SQLSTATE {state})",
        sqlstate=state,
        position=int(position) if position else None,
        hint=hint,
    )


def _who(state: str) -> str:
    if state == "42501":
        return "perfctl db doctor says which rights this role lacks"
    return "check database.username and database.password (DB_USER, DB_PASSWORD)"
