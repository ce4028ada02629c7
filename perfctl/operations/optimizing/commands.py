"""The exact command in a sentence of advice: what can be pasted, apart from what only a human can decide."""

from __future__ import annotations

import re
from typing import NamedTuple

from perfctl.operations.optimizing.model import CommandKind

_SQL = re.compile(
    r"^(?:CREATE INDEX|DROP INDEX|REINDEX|ANALYZE|VACUUM|ALTER SYSTEM|ALTER TABLE|GRANT|CREATE EXTENSION|SELECT pg_)",
)
_PERFCTL = re.compile(r"\bperfctl [a-z][^;,()]*")
_PLACEHOLDER = re.compile(r"\.\.\.|\b[A-Z]{3,}\b.*\bof the\b|= a quarter|= 3/4|<[a-z]+>")


class Command(NamedTuple):
    """What to run, and how."""

    text: str
    kind: CommandKind


def sql_in(advice: str) -> str | None:
    """The statement that a sentence begins with; None where it has none, or one with a gap to fill.

    >>> sql_in("CREATE INDEX CONCURRENTLY ON public.t (a); each write pays for it")
    'CREATE INDEX CONCURRENTLY ON public.t (a);'
    >>> sql_in("ANALYZE public.t: t_a_idx has a, and the planner passed it over")
    'ANALYZE public.t;'
    >>> sql_in("ALTER SYSTEM SET max_wal_size = ...; twice of now")
    """
    if not _SQL.match(advice):
        return None
    statements = []
    for piece in re.split(r"; ?|: |, on the ", advice):
        text = piece.strip()
        if not _SQL.match(text):
            break
        statements.append(text)
    if not statements or any(_PLACEHOLDER.search(text) for text in statements):
        return None
    return " ".join(f"{text};" for text in statements)


def command_of(advice: str | None, otherwise: str) -> Command:
    """What can be run of an advice: its statement, else the command `otherwise`, which shows more."""
    statement = sql_in(advice) if advice else None
    return Command(statement, "sql") if statement else Command(otherwise, "perfctl")


def shell(word: str) -> str:
    """A word as a shell takes it."""
    import shlex

    return shlex.quote(word)
