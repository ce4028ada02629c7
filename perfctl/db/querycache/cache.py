"""Which reads are cached, under which key, and what a write forgets."""

from __future__ import annotations

import datetime
import decimal
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING

from perfctl.db.model.executions import Execution
from perfctl.db.parameters import Params, bound
from perfctl.db.querycache.moving import tells_time
from perfctl.db.querycache.own import holds_lists, own_rows
from perfctl.db.querycache.store import EVERYTHING, Dependencies, RowStore, Shelf
from perfctl.db.questions import is_ours, question
from perfctl.db.session.effects import effects
from perfctl.errors import PerfctlError, RefusedError

if TYPE_CHECKING:
    from perfctl.db.pool import ConnectionPool
    from perfctl.db.postgres import Record, Session
    from perfctl.db.statements.recorder import QueryOptimizer

FACTS_SECONDS = 60.0
"""How long what the catalog said of a statement is believed: others may alter views, functions and triggers."""
MOST_STATEMENTS = 1000
_LONGEST = 20_000

_PLAIN = frozenset(
    {
        str, int, bool, float, bytes, type(None), decimal.Decimal, uuid.UUID,
        datetime.date, datetime.datetime, datetime.time, datetime.timedelta,
    }
)  # fmt: skip
"""Types whose values have the same text in every process."""
_EXACT = frozenset({str, int, bool, bytes, type(None), uuid.UUID, datetime.date, datetime.timedelta})
"""Types whose values are the same where they are equal. 1.0 and 1.00, or 0.0 and -0.0, are not: such an answer is kept
under its key alone, which nobody finds without asking for it."""


@dataclass(slots=True, eq=False)
class Statement:
    """What is known of one text that is asked with `use_cache`."""

    sql: str
    shelf: Shelf
    depends: Dependencies
    context: str
    good_until: float
    """When the catalog is asked again."""
    here: Callable[[Hashable], Sequence[Record] | None]
    """The shelf's."""
    gives_lists: bool = False
    """Some rows had arrays: each caller is given rows of his own, for he may change what is in them."""
    hit: Execution | None = None
    """What the recorder is told of a hit."""


class QueryCache:
    """Rows of reads, kept in a store; one for each DatabaseOptimizer."""

    def __init__(
        self,
        pool: ConnectionPool,
        make_store: Callable[[], RowStore],
        recorder: QueryOptimizer,
        *,
        server: str,
        ttl_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`server` tells apart what is called the same on different servers."""
        self._make_store = make_store
        self.hits = self.misses = self.uncached = 0
        self._recorder = recorder
        self._pool, self._server, self._ttl_seconds, self._clock = pool, server, ttl_seconds, clock
        self._statements: OrderedDict[str, Statement] = OrderedDict()
        self._touched: OrderedDict[str, tuple[tuple[str, ...], float]] = OrderedDict()
        self._database = ""
        self._context = ""

    @cached_property
    def store(self) -> RowStore:
        """What keeps the rows, made when it is first needed."""
        return self._make_store()

    def here(self, query: str, params: Params) -> list[Record] | None:
        """The rows, where this process has them and they hold. Asks nobody, and looks at no SQL."""
        statement = self._statements.get(query)
        if statement is None or type(params) is not tuple or statement.good_until < self._clock():
            return None
        try:
            rows = statement.here(_place(params))
        except TypeError:  # a list among the parameters has no place
            return None
        if rows is None:
            return None
        self.hits += 1
        hit = statement.hit
        if hit is None or hit.rows != len(rows):
            hit = statement.hit = Execution(query, 0.0, len(rows), was_cached=True, failed=False)
        self._recorder.record(hit)
        return own_rows(rows) if statement.gives_lists else list(rows)

    async def read(
        self, query: str, params: Params, run: Callable[[], object], *, ttl: float | None, timeout: float | None
    ) -> tuple[list[Record], bool]:
        """The rows, and whether they were cached; `run` asks the server. What cannot be kept is asked each time."""
        sql, values = bound(query, params)
        statement = await self._statement(query, sql, timeout)
        key = None if statement is None or statement.depends.reason else _key(statement, values)
        if statement is None or key is None:
            self.uncached += 1
            return await run(), False  # type: ignore[misc]
        rows, was_cached = await statement.shelf.get(
            _place(values) if _EXACT.issuperset(map(type, values)) else key,
            key,
            run,  # type: ignore[arg-type]
            tables=statement.depends.tables,
            ttl_seconds=self._ttl_seconds if ttl is None else ttl,
        )
        self.hits += was_cached
        self.misses += not was_cached
        statement.gives_lists = statement.gives_lists or holds_lists(rows)
        return own_rows(rows) if statement.gives_lists else list(rows), was_cached

    async def wrote(self, session: Session, texts: Sequence[str]) -> None:
        """Forget what these texts may have written to; they may be committed by now. Never raises."""
        tables: set[str] = set()
        for text in dict.fromkeys(texts):
            tables |= set(await self._touched_by(session, text))
        if EVERYTHING in tables:
            self._statements.clear()
            self._touched.clear()
        database = await self._name_of_database(session) if tables else ""
        if database:  # else nobody here ever learnt it: whoever cached something hears by the TTL
            await self.store.forget(database, None if EVERYTHING in tables else sorted(tables))

    async def _touched_by(self, session: Session, text: str) -> tuple[str, ...]:
        known = self._touched.get(text)
        if known is not None and known[1] + FACTS_SECONDS > self._clock():
            return known[0]
        if is_ours(text):  # pg_stat_statements() is VOLATILE: to look at it empties no cache
            return ()
        if not session.can_be_asked:
            return (EVERYTHING,)
        from perfctl.db.querycache.dependencies import touched

        tables = (EVERYTHING,) if session.runs_unnamed(text) else await touched(session, text)
        if len(text) <= _LONGEST and tables != (EVERYTHING,):
            self._touched[text] = (tables, self._clock())
            if len(self._touched) > MOST_STATEMENTS:
                self._touched.popitem(last=False)
        return tables

    async def _statement(self, query: str, sql: str, timeout: float | None) -> Statement | None:
        """What is known of the text, asked of the server where it is not or is old."""
        known = self._statements.get(query)
        if known is not None and known.good_until >= self._clock():
            self._statements.move_to_end(query)
            return known
        if len(query) > _LONGEST or not _may_read(sql):
            return None
        from perfctl.db.querycache.dependencies import dependencies

        good_until = self._clock() + FACTS_SECONDS
        async with self._pool.acquire(timeout=timeout) as session:
            try:
                await self._learn(session)
                depends = await dependencies(session, sql)
                if session.runs_unnamed(sql):
                    depends = Dependencies((), "code that it runs without calling it")
            except PerfctlError:
                return None
        if known is not None and (known.depends, known.context) == (depends, self._context):
            known.good_until = good_until
            return known
        shelf = self.store.shelf(self._database)
        made = Statement(sql, shelf, depends, self._context, good_until, shelf.here)
        self._statements[query] = made
        while len(self._statements) > MOST_STATEMENTS:
            self._statements.popitem(last=False)
        return made

    async def _name_of_database(self, session: Session) -> str:
        if not self._database and session.can_be_asked:
            with suppress(PerfctlError):
                await self._learn(session)
        return self._database

    async def _learn(self, session: Session) -> str:
        """Learn who we are to the server; the database's name in tables' names."""
        from perfctl.db.querycache.dependencies import can_be_asked_plainly

        if not await can_be_asked_plainly(session):
            raise RefusedError("a schema stands before pg_catalog in the search_path: nothing is cached")
        with session.leaving_nothing():
            row = (await session.fetch(question("query_context"), timeout=10.0))[0]
        self._database = f"{row['database']}-{row['database_oid']}"
        self._context = _digest(f"{self._server}\n{self._database}\n{row['context']}")
        return self._database


def _may_read(sql: str) -> bool:
    return not effects(sql).may_write or effects(sql).stain != 0


def _key(statement: Statement, values: tuple[object, ...]) -> str | None:
    """The key that every process has for the same question; None where a value has no text of that kind."""
    if not all(map(_is_plain, values)):
        return None
    return f"{statement.context}:{_digest(statement.sql)}:{_digest(_text(values))}"


def _is_plain(value: object) -> bool:
    if type(value) in (list, tuple):
        return all(map(_is_plain, value))  # type: ignore[call-overload]
    return type(value) in _PLAIN and not (type(value) is str and tells_time(value))


def _text(value: object) -> str:
    """Values with their types: 1, 1.0 and True stay apart."""
    if isinstance(value, (list, tuple)):
        return f"[{','.join(map(_text, value))}]"
    return f"{type(value).__name__}={value!r}"


def _place(values: tuple[object, ...]) -> Hashable:
    """Where an answer is found in the process: the values and their types, for 1, 1.0 and True are equal."""
    if len(values) == 1:
        value = values[0]
        return (value, type(value))
    return (*values, *map(type, values))


def _digest(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
