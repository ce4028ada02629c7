"""Prepared statements: which texts a session keeps prepared on the server, and under which names."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from dataclasses import dataclass
from itertools import count
from typing import Any

_NAMED_FROM = 2
"""A text is prepared when it comes for the second time: one that comes once would cost memory for nothing."""
_REMEMBERED = 1000
_LONGEST = 20_000

DOES_NOT_EXIST = "26000"
EXISTS = "42P05"
OUTDATED = "0A000"
_STALE_PLANS = ("cached plan must not change result type", "cached statement plan is invalid")
"""As the server says it, and as the driver does."""


class Naming:
    """What the sessions of one pool share: how often a text came, and whether names hold at all.

    Behind a PgBouncer in transaction mode they do not: the next statement meets another server process. A name there
    could even be that of another process's statement, so ours are random; the first that is lost ends all naming.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.is_on = size > 0
        self.is_pooled: bool | None = None
        """Whether a pooler stands between; None until a session has looked."""
        self.hits = self.misses = 0
        self._prefix = f"perfctl_{secrets.token_hex(6)}"
        self._number = count(1)
        self._times: OrderedDict[str, int] = OrderedDict()

    def wants(self, sql: str) -> bool:
        """Whether this text, which is sent now, is to be prepared under a name."""
        if not self.is_on or len(sql) > _LONGEST:
            return False
        times = self._times[sql] = self._times.pop(sql, 0) + 1
        if len(self._times) > _REMEMBERED:
            self._times.popitem(last=False)
        return times >= _NAMED_FROM

    def name(self) -> str:
        """A name that no other statement of any process has."""
        return f"{self._prefix}_{next(self._number)}"

    def end(self) -> None:
        """A name was lost: no statement is named from now on."""
        self.is_on = False


@dataclass(slots=True, eq=False)
class Prepared:
    """A statement that is prepared under a name."""

    statement: Any
    """The driver's."""
    writes: bool
    """Whether it may write."""


class Named:
    """The statements of one session that are prepared under names, the one used longest ago first."""

    def __init__(self, naming: Naming) -> None:
        self.naming = naming
        self._statements: OrderedDict[str, Prepared] = OrderedDict()

    def get(self, sql: str) -> Prepared | None:
        """The statement of a text."""
        statement = self._statements.get(sql)
        if statement is not None:
            self._statements.move_to_end(sql)
        return statement

    def keep(self, sql: str, statement: Prepared) -> None:
        """Remember one; beyond the size another is forgotten, which the driver tells the server in time."""
        self._statements[sql] = statement
        while len(self._statements) > self.naming.size:
            self._statements.popitem(last=False)

    def drop(self, sql: str) -> None:
        """Forget one."""
        self._statements.pop(sql, None)

    def clear(self) -> None:
        """Forget all."""
        self._statements.clear()


def is_lost(sqlstate: str | None, message: str) -> bool:
    """Whether the server refused a named statement for its name's or its age's sake, before it ran."""
    is_old = sqlstate == OUTDATED and any(told in message for told in _STALE_PLANS)
    return is_old or sqlstate in (DOES_NOT_EXIST, EXISTS)
