"""Where cached rows live: the seam between the query cache and whatever keeps them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from perfctl.db.postgres import Record

Read = Callable[[], Awaitable[list["Record"]]]
"""Asks the server."""


EVERYTHING: Final = "*"
"""Stands for all tables: who may write anywhere writes to it."""


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What an answer depends on."""

    tables: tuple[str, ...]
    """`schema.table`, of a partition or child its topmost parents."""
    reason: str = ""
    """Why the answer is not to be kept; empty where it may be."""


class Shelf(Protocol):
    """The answers of one statement, by its parameters."""

    def here(self, place: Hashable) -> Sequence[Record] | None:
        """The rows, where this process has them and they hold; asks nobody."""
        ...

    async def get(
        self, place: Hashable, key: str, read: Read, *, tables: tuple[str, ...], ttl_seconds: float
    ) -> tuple[Sequence[Record], bool]:
        """The rows, and whether they were cached: from any tier, else what `read` returns, which is then kept.

        `key` is the same in every process that would be given the same rows. What was read before one of the tables
        was forgotten, or all of them, is never kept. Errors of `read` are raised as they are.
        """
        ...


class RowStore(Protocol):
    """What keeps rows."""

    def shelf(self, database: str) -> Shelf:
        """A place for the answers of one more statement of a database."""
        ...

    async def forget(self, database: str, tables: Sequence[str] | None) -> None:
        """No process serves rows again that were read from these tables before; None is all. Never raises."""
        ...
