"""The one file that knows asyncpg: connections, rows, and PostgreSQL's errors as ours."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from perfctl.calls import asking, begun, ended
from perfctl.db.rows import Places, Record
from perfctl.db.session.backstage import Backstage
from perfctl.db.session.effects import Effects, Stain, effects
from perfctl.db.session.failures import REACH, NoConnectionError, StatementError, refused, unreachable
from perfctl.db.session.login import address, connection_arguments
from perfctl.db.session.prepared import DOES_NOT_EXIST, EXISTS, Named, Naming, Prepared, is_lost
from perfctl.errors import (
    AuthError,
    ConfigError,
    PerfctlError,
    TimedOutError,
    UsageError,
)

if TYPE_CHECKING:
    from perfctl.config import DatabaseConfig

__all__ = [
    "NoConnectionError",
    "Record",
    "Session",
    "StatementError",
    "address",
    "connected",
    "connection_arguments",
    "quoted",
]

_FAREWELL_SECONDS = 1.0
_LOOK_SECONDS = 10.0
_LEAST_SECONDS = 0.001
_QUERY_CANCELED = "57014"
_IN_FAILED_TRANSACTION = "25P02"
_REPORTED = ("TimeZone", "DateStyle", "IntervalStyle", "client_encoding", "search_path", "session_authorization")
"""Settings that the server tells of whenever they change."""
_RESET = "; ".join(
    statement.replace(" ", " /* perfctl */ ", 1)
    for statement in (
        "SET SESSION AUTHORIZATION DEFAULT", "RESET ALL", "CLOSE ALL", "UNLISTEN *",
        "SELECT pg_catalog.pg_advisory_unlock_all()", "DISCARD TEMP", "DISCARD SEQUENCES",
    )
)  # fmt: skip
"""DISCARD ALL but for the prepared statements and their plans, which are ours."""
_ASIDE = "BEGIN /* perfctl */ READ ONLY; SET /* perfctl */ LOCAL search_path = pg_catalog"
"""For questions of our own between the caller's statements: nobody's operator stands before PostgreSQL's own."""
Wrote = Callable[["Session", Sequence[str]], Awaitable[None]]
"""What is told which texts of a session may have written, as soon as they may be committed. Never raises."""


class Session:
    """One connection to PostgreSQL, which knows what the statements that it sent may have left behind."""

    def __init__(
        self, connection: Any, server: str, naming: Naming | None = None, backstage: Backstage | None = None
    ) -> None:
        self._connection = connection
        self._backstage = backstage
        self._edition: object = None
        self._is_to_look = True
        self.server = server
        self.opened = self.proven = self.idle_since = time.monotonic()
        """When it was opened, last known to work, and put aside."""
        self.needs_care = False
        """Something may be left in it: a setting, a lock, a statement that was broken off."""
        self.on_write: Wrote | None = None
        self._stain = Stain.NONE
        self._was_broken_off = False
        self._may_differ = False
        self._leaves_nothing = False
        self._unsaid: list[str] = []
        self._named = Named(naming or Naming(0))
        self._reported = self._settings()

    @classmethod
    async def open(
        cls, config: DatabaseConfig, naming: Naming | None = None, backstage: Backstage | None = None
    ) -> Session:
        """Connect, with the password as its source has it now; `backstage` is what the pool's sessions know together.

        ConfigError where no server is configured, UnreachableError and AuthError where it does not let us in.
        """
        import asyncpg

        arguments, server = connection_arguments(config), address(config)
        async with _translated(server, config.connect_timeout_seconds):
            try:
                session = cls(_marked(await asyncpg.connect(**arguments)), server, naming, backstage)
            except Exception:
                await asyncio.sleep(0)  # the driver's socket is closed in the loop's next turn, if there is one
                raise
        asking(f"PostgreSQL {'.'.join(map(str, session.server_version))} at {server}")
        return session

    @property
    def is_usable(self) -> bool:
        """Whether another caller can have it as it is: open, nothing left behind."""
        connection = self._connection
        return not (self.needs_care or connection.is_closed() or connection.is_in_transaction())

    @property
    def can_be_asked(self) -> bool:
        """Whether a question of our own can be asked on it now: open, idle, in no transaction."""
        connection = self._connection
        return not (self._was_broken_off or connection.is_closed() or connection.is_in_transaction())

    @property
    def is_closed(self) -> bool:
        """Whether the connection is gone."""
        return bool(self._connection.is_closed())

    @property
    def server_version(self) -> tuple[int, int]:
        """Major and minor, such as (18, 6)."""
        version = self._connection.get_server_version()
        return version.major, version.micro  # asyncpg writes 18.6 as 18.0.6, and its minor is 0 from 10 on

    @property
    def server_encoding(self) -> str:
        """How the database writes texts, such as `UTF8`."""
        return str(self._connection.get_settings().server_encoding)

    @property
    def announced_pid(self) -> int | None:
        """The server's process as it was announced at the start; a pooler announces one of its own making."""
        pid: int | None = self._connection.get_server_pid()
        return pid

    @contextmanager
    def leaving_nothing(self) -> Iterator[None]:
        """What is sent within leaves nothing, whatever its words: the caller undoes it all."""
        before, self._leaves_nothing = self._leaves_nothing, True
        try:
            yield
        finally:
            self._leaves_nothing = before

    def runs_unnamed(self, sql: str) -> bool:
        """Whether a text is known to run code of the user's that neither it nor a view behind it calls by name."""
        return self._backstage is not None and self._backstage.runs_unnamed(sql)

    async def fetch(self, sql: str, *arguments: object, timeout: float | None = None) -> list[Record]:
        """The rows of one statement, its `$1` ... bound to the arguments; several statements are refused.

        A text that comes often is prepared on the server; one that the server does not have any more is sent anew.
        """
        since, prepared = begun(), self._named.get(sql)
        backstage = self._backstage
        if backstage is not None and (backstage.edition is not self._edition or self._is_to_look):
            timeout, prepared = await self._look_backstage(timeout), self._named.get(sql)
        try:
            if prepared is None:
                rows: list[Record] = await self._first(sql, arguments, timeout)
            else:
                self._named.naming.hits += 1
                if prepared.writes and not self._leaves_nothing:
                    self._unsaid.append(sql)
                    self._may_differ = True
                rows = await prepared.statement.fetch(*arguments, timeout=timeout)
        except Exception as error:
            if prepared is None or not self._is_to_be_sent_anew(sql, error):
                raise await self._failed(error, sql, timeout) from error
            rows = await self.fetch(sql, *arguments, timeout=timeout)
        except BaseException:
            self._break_off(sql)
            raise
        finally:
            if since:
                ended(f"PostgreSQL at {self.server}", sql, since)
        if self._unsaid:
            await self._say_when_done(sql)
        return rows

    async def fetch_many(
        self, sql: str, arguments: Iterable[Sequence[object]], *, timeout: float | None = None
    ) -> list[Record]:
        """The rows of one statement for each of many sets of arguments, in that order, without waiting in between.

        All or none: what one of them refuses undoes all.
        """
        timeout = await self._look_backstage(timeout)
        self._note(sql)
        async with self._translated_here(sql, timeout):
            statement = await self._connection.prepare(sql, timeout=timeout)
            rows: list[Record] = await statement.fetchmany(arguments, timeout=timeout)
        await self._say_when_done(sql)
        return rows

    async def rows(
        self, sql: str, *arguments: object, limit: int | None = None, timeout: float | None = None
    ) -> tuple[tuple[tuple[str, str], ...], list[Record]]:
        """The columns (name and type) and the first `limit` rows of one statement; the rest stay on the server.

        Within a transaction, where a limit is given. `timeout` covers preparing it and reading the rows, each.
        """
        if "\x00" in sql:
            raise UsageError("the statement holds a NUL character", hint="SQL texts cannot have one, nor can values")
        timeout = await self._look_backstage(timeout)
        self._note(sql)
        async with self._translated_here(sql, timeout):
            prepared = await self._connection.prepare(sql, timeout=timeout)
            columns = tuple((column.name, _type_name(column.type)) for column in prepared.get_attributes())
            if limit is None or not columns:
                return columns, await prepared.fetch(*arguments, timeout=timeout)
            cursor = await prepared.cursor(*arguments, timeout=timeout)
            return columns, await cursor.fetch(limit, timeout=timeout)

    async def parameter_types(self, sql: str, *, timeout: float | None = None) -> tuple[str, ...]:
        """The types that the server takes `$1`, `$2` ... of a statement for, as SQL writes them."""
        async with self._translated_here(sql, timeout):
            prepared = await self._connection.prepare(sql, timeout=timeout)
            return tuple(_quoted_type(kind) for kind in prepared.get_parameters())

    async def execute(self, script: str, *, timeout: float | None = None) -> None:
        """Run a script of our own, several statements if need be; nothing is bound."""
        timeout = await self._look_backstage(timeout)
        self._note(script)
        async with self._translated_here(script, timeout):
            await self._connection.execute(script, timeout=timeout)
        await self._say_when_done(script)

    async def read_json(self) -> None:
        """From now on json and jsonb come as what they hold, not as text. For a connection that nobody shares."""
        import json

        self._stain, self.needs_care = Stain.BEYOND, True
        async with _translated(self.server):
            for kind in ("json", "jsonb"):
                await self._connection.set_type_codec(kind, schema="pg_catalog", encoder=json.dumps, decoder=json.loads)

    async def rollback(self) -> None:
        """Undo the transaction, if there is one and somebody to tell."""
        if not self._connection.is_closed():
            await self.execute("ROLLBACK", timeout=_FAREWELL_SECONDS)

    async def restore(self, *, timeout: float) -> bool:
        """Take back what was left behind, once a statement that was broken off has ended; whether it can be used."""
        try:
            if self._was_broken_off:
                await self._settled(timeout)
            if self._connection.is_in_transaction():
                await self._connection.execute("ROLLBACK /* perfctl */", timeout=timeout)
            self._was_broken_off = False
            await self._say()
            if self._stain is Stain.BEYOND:
                return False
            if self._stain is Stain.NAMES:
                self._named.clear()
                await self._connection.execute("DEALLOCATE /* perfctl */ ALL", timeout=timeout)
            if self._stain:
                await self._connection.execute(_RESET, timeout=timeout)
            self._stain, self.needs_care = Stain.NONE, False
        except _breakages():
            return False
        return not self.is_closed

    async def is_alive(self, *, timeout: float) -> bool:
        """Whether the server still answers on it: one round trip."""
        try:
            await self._connection.execute("SELECT /* perfctl */ 1", timeout=timeout)
        except _breakages():
            return False
        self.proven = time.monotonic()
        return True

    async def close(self) -> None:
        """Take leave, or hang up when the server does not answer within a second."""
        try:
            await self._connection.close(timeout=_FAREWELL_SECONDS)
        except _breakages():
            self._connection.terminate()

    def hang_up(self) -> None:
        """Take leave without waiting for anything."""
        self._connection.terminate()

    def note_release(self) -> None:
        """The caller is done with it: settings that something else than a statement's words changed are noticed."""
        self._is_to_look = self._backstage is not None and self._backstage.is_old
        if self._may_differ and not self.is_closed:
            self._may_differ = False
            if self._reported != self._settings():
                self._stain, self.needs_care = max(self._stain, Stain.RESET), True

    async def _first(self, sql: str, arguments: Sequence[object], timeout: float | None) -> list[Record]:
        """Send a text that this session has not prepared; prepare it where it comes often and leaves nothing behind."""
        if "\x00" in sql:
            raise UsageError("the statement holds a NUL character", hint="SQL texts cannot have one, nor can values")
        stain = self._note(sql)
        if not stain and self._named.naming.wants(sql) and await self._may_name(timeout):
            try:
                return await self._prepared(sql, arguments, timeout)
            except _driver_errors() as error:
                if not self._is_to_be_sent_anew(sql, error):
                    raise
        self._named.naming.misses += 1
        rows: list[Record] = await self._connection.fetch(sql, *arguments, timeout=timeout)
        return rows

    def _effects(self, sql: str) -> Effects:
        return effects(sql) if self._backstage is None else self._backstage.effects(sql)

    async def _look_backstage(self, timeout: float | None) -> float | None:
        """Learn what runs behind words, where that is not known or old; what is left of the time."""
        backstage = self._backstage
        if backstage is None:
            return timeout
        since = time.monotonic()
        if backstage.is_old and self.can_be_asked and not self._leaves_nothing:
            await self._ask_backstage(backstage, timeout)
        self._is_to_look = backstage.is_old
        if backstage.edition is not self._edition:  # what was prepared was judged by what was known then
            self._named.clear()
            self._edition = backstage.edition
        return None if timeout is None else max(timeout - (time.monotonic() - since), _LEAST_SECONDS)

    async def _ask_backstage(self, backstage: Backstage, timeout: float | None) -> None:
        limit = _LOOK_SECONDS if timeout is None else min(timeout, _LOOK_SECONDS)
        try:
            await self._connection.execute(_ASIDE, timeout=limit)
            try:
                await backstage.look(partial(self._connection.fetch, timeout=limit))
            finally:
                if not self._connection.is_closed():
                    await self._connection.execute("COMMIT /* perfctl */", timeout=_FAREWELL_SECONDS)
        except Exception as error:
            if not self.can_be_asked or not isinstance(error, _driver_errors()):
                raise await self._failed(error, "", timeout) from error
            backstage.put_off()
        except BaseException:
            self._break_off("")
            raise

    async def _prepared(self, sql: str, arguments: Sequence[object], timeout: float | None) -> list[Record]:
        since = time.monotonic()
        statement = await self._connection.prepare(sql, name=self._named.naming.name(), timeout=timeout)
        self._named.keep(sql, Prepared(statement, self._effects(sql).may_write))
        left = None if timeout is None else timeout - (time.monotonic() - since)
        rows: list[Record] = await statement.fetch(*arguments, timeout=left)
        return rows

    async def _may_name(self, timeout: float | None) -> bool:
        """Whether a name may be used now: behind a pooler not within a transaction, where losing it costs all."""
        naming = self._named.naming
        if naming.is_pooled is None and not self._connection.is_in_transaction():
            pid = await self._connection.fetchval("SELECT /* perfctl */ pg_catalog.pg_backend_pid()", timeout=timeout)
            naming.is_pooled = pid != self.announced_pid
        return not (naming.is_pooled is not False and self._connection.is_in_transaction())

    def _is_to_be_sent_anew(self, sql: str, error: Exception) -> bool:
        """Whether the server refused a named statement before it ran: what it was named for is forgotten."""
        state = getattr(error, "sqlstate", None)
        if self._connection.is_closed() or not (is_lost(state, str(error)) or _has_other_columns(error)):
            return False
        if state in (DOES_NOT_EXIST, EXISTS):
            if self._stain < Stain.NAMES:  # else the caller took them away
                self._named.naming.end()
            self._named.clear()
        else:
            self._named.drop(sql)
        reads = self._effects(sql).is_repeatable or not _has_other_columns(error)
        return reads and not self._connection.is_in_transaction()

    def _note(self, sql: str) -> bool:
        """Remember what a text may leave behind; whether it may leave something in the session."""
        if self._leaves_nothing:
            return False
        found = self._effects(sql)
        if found.stain:
            self._stain, self.needs_care = max(self._stain, found.stain), True
        if found.may_write:
            self._unsaid.append(sql)
            self._may_differ = True
        return bool(found.stain)

    def _break_off(self, sql: str) -> None:
        self._was_broken_off = self.needs_care = True

    async def _settled(self, timeout: float) -> None:
        """Wait until the statement that was broken off has ended: nothing of it meets the next one."""
        try:
            await self._connection.execute("SELECT /* perfctl */ 1", timeout=timeout)
        except _driver_errors() as error:  # of the failed transaction, or the cancellation came for this one
            if getattr(error, "sqlstate", None) not in (_IN_FAILED_TRANSACTION, _QUERY_CANCELED):
                raise

    async def _failed(self, error: Exception, sql: str, timeout: float | None) -> Exception:
        """The error as ours; writes that may have been done in spite of it are told of."""
        if isinstance(error, TimeoutError):
            self._break_off(sql)
        if self._unsaid and not self._is_in_transaction():
            await self._say()
        if isinstance(error, PerfctlError):
            return error
        told = _translation(error, self.server, timeout, is_open=True)
        if isinstance(told, NoConnectionError):
            self.needs_care = True  # the driver may not know yet that it is gone
        return told

    def _is_in_transaction(self) -> bool:
        return not self.is_closed and bool(self._connection.is_in_transaction())

    async def _say_when_done(self, sql: str) -> None:
        if self._unsaid and (effects(sql).ends or not self._is_in_transaction()):
            await self._say()

    async def _say(self) -> None:
        """Tell of the writes that may be committed by now."""
        texts, self._unsaid = self._unsaid, [] if not self._was_broken_off else self._unsaid
        if self._backstage is not None and any(effects(text).defines for text in texts):
            self._backstage.doubt()
        if texts and self.on_write is not None:
            await self.on_write(self, tuple(texts))

    @asynccontextmanager
    async def _translated_here(self, sql: str, timeout: float | None) -> AsyncIterator[None]:
        since = begun()
        try:
            yield
        except Exception as error:
            raise await self._failed(error, sql, timeout) from error
        except BaseException:
            self._break_off(sql)
            raise
        finally:
            if since:
                ended(f"PostgreSQL at {self.server}", sql, since)

    def _settings(self) -> tuple[str | None, ...]:
        told = self._connection.get_settings()
        return tuple(getattr(told, name, None) for name in _REPORTED)


def _type_name(kind: Any) -> str:
    """A type as SQL writes it: `int4`, `text[]`, `sales.money`."""
    name = f"{kind.name.removeprefix('_')}[]" if kind.kind == "array" and kind.name.startswith("_") else kind.name
    return str(name) if kind.schema == "pg_catalog" else f"{kind.schema}.{name}"


def _marked(connection: Any) -> Any:
    """The connection, whose look at types bears our mark: no list of slow queries is to show it as an application's."""
    asks = getattr(connection, "_intro_query", None)
    if isinstance(asks, str) and asks.startswith("WITH "):
        connection._intro_query = asks.replace("WITH ", "WITH /* perfctl */ ", 1)
    return connection


def driver_questions() -> tuple[str, ...]:
    """What asyncpg itself asks the server about types that it does not know, in the middle of our statements."""
    from asyncpg import introspection

    return (introspection.INTRO_LOOKUP_TYPES, introspection.INTRO_LOOKUP_TYPES_13, introspection.TYPE_BY_NAME)


def _quoted_type(kind: Any) -> str:
    name, dimensions = (kind.name[:-2], "[]") if kind.name.endswith("[]") else (kind.name, "")
    return f"{quoted(kind.schema)}.{quoted(name)}{dimensions}"


@asynccontextmanager
async def connected(config: DatabaseConfig) -> AsyncIterator[Session]:
    """A session that is closed at the end, for callers that need no pool."""
    session = await Session.open(config)
    try:
        yield session
    finally:
        await session.close()


def records_of(columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> list[Record]:
    """Rows as the driver would give them."""
    from asyncpg.protocol.protocol import _create_record

    places = Places(columns)
    return [_create_record(places, row) for row in rows]


def quoted(identifier: str) -> str:
    """An identifier as SQL writes it.

    >>> quoted('a"b')
    '"a""b"'
    """
    return '"' + identifier.replace('"', '""') + '"'


def _driver_errors() -> tuple[type[Exception], ...]:
    import asyncpg

    # The last one: the server took leave while nobody asked it anything, and the driver still reads its farewell.
    return (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


def _breakages() -> tuple[type[Exception], ...]:
    return (TimeoutError, OSError, *_driver_errors())


def _has_other_columns(error: Exception) -> bool:
    """Whether the driver read rows of a type that was altered since it asked for it."""
    import asyncpg

    return isinstance(error, asyncpg.OutdatedSchemaCacheError)


@asynccontextmanager
async def _translated(server: str, timeout: float | None = None, call: str = "connect") -> AsyncIterator[None]:
    """Every error of the driver leaves as one of ours; the call is in the log."""
    since = begun()
    try:
        yield
    except PerfctlError:
        raise
    except Exception as error:
        raise _translation(error, server, timeout) from error
    finally:
        ended(f"PostgreSQL at {server}" if since else "", call, since)


def _translation(error: Exception, server: str, timeout: float | None, *, is_open: bool = False) -> Exception:
    """The driver's error as one of ours; one that is not the driver's as it is. `is_open`: we were connected."""
    import asyncpg

    if isinstance(error, asyncpg.PostgresError):
        return refused(error, server, is_open=is_open)
    if isinstance(error, asyncpg.ClientConfigurationError):
        return ConfigError(f"PostgreSQL at {server}: {error.args[0]}", hint=getattr(error, "hint", None))
    if isinstance(error, ssl.SSLCertVerificationError):
        return AuthError(
            f"PostgreSQL at {server}: its certificate is not trusted ({error.verify_message})",
            hint="set database.sslrootcert to the authority that signed it",
        )
    if isinstance(error, ssl.SSLError) and not is_open:
        return AuthError(
            f"PostgreSQL at {server}: no TLS session ({error.reason or error})",
            hint="do database.sslcert and database.sslkey belong together, and does the server trust them?",
        )
    if isinstance(error, TimeoutError):
        within = f" within {timeout:g} s" if timeout else ""
        longer = "give it longer with --timeout; " if timeout else ""
        return TimedOutError(f"PostgreSQL at {server} did not answer{within}", hint=longer + REACH)
    if isinstance(error, UnicodeEncodeError):
        return UsageError(f"the statement is not text in UTF-8: {error}", hint="write it in UTF-8")
    if isinstance(error, (asyncpg.InterfaceError, asyncpg.InternalClientError)):
        return _from_driver(error, server, is_open=is_open)
    if isinstance(error, (OSError, asyncio.IncompleteReadError)):
        return unreachable(error, server, is_open=is_open)
    return error


def _first_line(error: Exception) -> str:
    """What the driver says, without its advice below it."""
    return str(error.args[0]).strip().partition("\n")[0]


def _from_driver(error: Exception, server: str, *, is_open: bool) -> PerfctlError:
    import asyncpg

    if isinstance(error, asyncpg.UnsupportedClientFeatureError):
        return UsageError(f"the rows cannot be read: {error.args[0]}", hint="cast such a column to text")
    if "the server expects" in str(error):
        return UsageError(f"the statement and its parameters: {_first_line(error)}", hint="one for each $1, $2 ...")
    if "another operation is in progress" in str(error) and "switch to state" not in str(error):
        return UsageError("two callers use one session at once", hint="acquire one for each, or use gather_queries")
    return unreachable(error, server, is_open=is_open)
