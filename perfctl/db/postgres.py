"""The one file that knows asyncpg: connections, rows, and PostgreSQL's errors as ours."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from perfctl.calls import asking, begun, ended
from perfctl.errors import (
    AuthError,
    ConfigError,
    PerfctlError,
    ServiceError,
    TimedOutError,
    UnreachableError,
    UsageError,
)

if TYPE_CHECKING:
    from perfctl.config import DatabaseConfig

Record = Mapping[str, Any]
"""A row: `row["symbol"]`, `row[0]`, `dict(row)`."""

_FAREWELL_SECONDS = 1.0
_AUTH = ("28", "42501")
_GONE = ("08", "57P", "53300")
_QUERY_CANCELED = "57014"
_HINTS = {
    "3D000": "perfctl config show --origin says where the database's name was set",
    "42P01": "does the table exist in this schema? name it as schema.table, or set search_path",
    "53300": "every connection the server allows is taken: lower max_connections here, or raise it there",
    "55P03": "another session holds a lock on it: try again later",
    "22000": "give each parameter the type that its place in the statement has",
    "25006": "the statement writes, and the transaction or the server is read-only",
}


class StatementError(ServiceError):
    """PostgreSQL refused a statement; `position` counts characters from 1, None where it named none."""

    def __init__(self, message: str, *, sqlstate: str, position: int | None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.sqlstate = sqlstate
        self.position = position


class Session:
    """One connection to PostgreSQL."""

    def __init__(self, connection: Any, server: str) -> None:
        self._connection = connection
        self.server = server

    @classmethod
    async def open(cls, config: DatabaseConfig) -> Session:
        """Connect, with the password as its source has it now.

        ConfigError where no server is configured, UnreachableError and AuthError where it does not let us in.
        """
        import asyncpg

        arguments, server = connection_arguments(config), address(config)
        async with _translated(server, config.connect_timeout_seconds):
            session = cls(await asyncpg.connect(**arguments), server)
        asking(f"PostgreSQL {'.'.join(map(str, session.server_version))} at {server}")
        return session

    @property
    def is_usable(self) -> bool:
        """Whether another statement can be sent: open, and no transaction left behind."""
        return not self._connection.is_closed() and not self._connection.is_in_transaction()

    @property
    def server_version(self) -> tuple[int, int]:
        """Major and minor, such as (18, 6)."""
        version = self._connection.get_server_version()
        return version.major, version.micro  # asyncpg writes 18.6 as 18.0.6, and its minor is 0 from 10 on

    @property
    def announced_pid(self) -> int | None:
        """The server's process as it was announced at the start; a pooler announces one of its own making."""
        pid: int | None = self._connection.get_server_pid()
        return pid

    async def fetch(self, sql: str, *arguments: object, timeout: float | None = None) -> list[Record]:
        """The rows of one statement, its `$1` ... bound to the arguments; several statements are refused."""
        if "\x00" in sql:
            raise UsageError("the statement holds a NUL character", hint="SQL texts cannot have one, nor can values")
        async with _translated(self.server, timeout, sql):
            rows: list[Record] = await self._connection.fetch(sql, *arguments, timeout=timeout)
            return rows

    async def execute(self, script: str, *, timeout: float | None = None) -> None:
        """Run a script of our own, several statements if need be; nothing is bound."""
        async with _translated(self.server, timeout, script):
            await self._connection.execute(script, timeout=timeout)

    async def read_json(self) -> None:
        """From now on json and jsonb come as what they hold, not as text. For a connection that nobody shares."""
        import json

        async with _translated(self.server):
            for kind in ("json", "jsonb"):
                await self._connection.set_type_codec(kind, schema="pg_catalog", encoder=json.dumps, decoder=json.loads)

    async def rollback(self) -> None:
        """Undo the transaction, if there is one and somebody to tell."""
        if not self._connection.is_closed():
            await self.execute("ROLLBACK", timeout=_FAREWELL_SECONDS)

    async def close(self) -> None:
        """Take leave, or hang up when the server does not answer within a second."""
        try:
            await self._connection.close(timeout=_FAREWELL_SECONDS)
        except (TimeoutError, OSError, _driver_error()):
            self._connection.terminate()


@asynccontextmanager
async def connected(config: DatabaseConfig) -> AsyncIterator[Session]:
    """A session that is closed at the end, for callers that need no pool."""
    session = await Session.open(config)
    try:
        yield session
    finally:
        await session.close()


def quoted(identifier: str) -> str:
    """An identifier as SQL writes it.

    >>> quoted('a"b')
    '"a""b"'
    """
    return '"' + identifier.replace('"', '""') + '"'


def address(config: DatabaseConfig) -> str:
    """`host:port/database`, for messages: nothing secret is in it."""
    if config.dsn:
        parts = urlsplit(config.dsn)
        return f"{parts.netloc.rpartition('@')[2] or 'localhost'}{parts.path.rstrip('/')}"
    return f"{config.host or 'localhost'}:{config.port}/{config.database or ''}".rstrip("/")


def connection_arguments(config: DatabaseConfig) -> dict[str, Any]:
    """What asyncpg is told. ConfigError where no server is configured."""
    if not config.is_configured:
        raise ConfigError(
            "no database is configured",
            hint="set database.host (or DB_HOST, DATABASE_URL, --dsn), or start one with perfctl sandbox up",
        )
    given = {
        "dsn": _dsn(config),
        "host": config.host if config.dsn is None else None,
        "port": config.port if config.dsn is None else None,
        "user": config.username,
        "database": config.database,
        "password": _password(config),
        # Always said: by default asyncpg falls back to plain text without a word.
        "ssl": config.effective_sslmode,
        "timeout": config.connect_timeout_seconds,
        # Behind a PgBouncer in transaction mode a named statement is gone with the next transaction.
        "statement_cache_size": 0,
        "server_settings": {"application_name": "perfctl"},
    }
    return {name: value for name, value in given.items() if value is not None}


def _dsn(config: DatabaseConfig) -> str | None:
    """The DSN, with the root certificate in it: asyncpg takes that from nowhere else."""
    if config.sslrootcert is None:
        return config.dsn
    base = config.dsn or "postgresql://"
    return f"{base}{'&' if '?' in base else '?'}{urlencode({'sslrootcert': config.sslrootcert})}"


def _password(config: DatabaseConfig) -> Callable[[], Awaitable[str]] | None:
    """What asyncpg asks for the password, anew for each connection: a token lives for minutes.

    Without one the answer is empty, not nothing: asyncpg would then read PGPASSWORD and ~/.pgpass by itself, past the
    rules by which the configuration gives such a password to a host or keeps it.
    """
    from perfctl.config.secret import has_password

    if config.password is None and config.dsn and has_password(config.dsn):
        return None

    async def resolved() -> str:
        from perfctl.credentials import database_login, resolve

        return await resolve(config.password, database_login(config)) or ""

    return resolved


def _driver_error() -> type[Exception]:
    import asyncpg

    error: type[Exception] = asyncpg.InterfaceError
    return error


@asynccontextmanager
async def _translated(server: str, timeout: float | None = None, call: str = "connect") -> AsyncIterator[None]:
    """Every error of the driver leaves as one of ours; the call is in the log."""
    import asyncpg

    since = begun()
    try:
        yield
    except PerfctlError:
        raise
    except asyncpg.PostgresError as error:
        raise _from_server(error, server) from error
    except asyncpg.ClientConfigurationError as error:
        raise ConfigError(f"PostgreSQL at {server}: {error.args[0]}", hint=getattr(error, "hint", None)) from error
    except ssl.SSLCertVerificationError as error:
        raise AuthError(
            f"PostgreSQL at {server}: its certificate is not trusted ({error.verify_message})",
            hint="set database.sslrootcert to the authority that signed it",
        ) from error
    except TimeoutError as error:
        within = f" within {timeout:g} s" if timeout else ""
        longer = "give it longer with --timeout; " if timeout else ""
        raise TimedOutError(f"PostgreSQL at {server} did not answer{within}", hint=longer + _REACH) from error
    except UnicodeEncodeError as error:
        raise UsageError(f"the statement is not text in UTF-8: {error}", hint="write it in UTF-8") from error
    except asyncpg.InterfaceError as error:
        if "the server expects" in str(error):
            raise UsageError(f"the statement and its parameters: {error}", hint="one for each $1, $2 ...") from error
        raise _unreachable(error, server) from error
    except (OSError, asyncio.IncompleteReadError) as error:
        raise _unreachable(error, server) from error
    finally:
        ended(f"PostgreSQL at {server}" if since else "", call, since)


_REACH = "is it running there? perfctl config show --origin says where its address was set"


def _unreachable(error: Exception, server: str) -> UnreachableError:
    # asyncio puts the address in place of the reason: "Connect call failed ('127.0.0.1', 5432)".
    number = error.errno if isinstance(error, ConnectionError) else None
    reason = os.strerror(number).lower() if number else str(error) or type(error).__name__
    if "rejected SSL upgrade" in reason:
        hint = "the server has no TLS; off loopback perfctl asks for it: sslmode: disable sends everything in the clear"
        return UnreachableError(f"PostgreSQL at {server} does not speak TLS", hint=hint)
    return UnreachableError(f"PostgreSQL at {server} cannot be reached: {reason}", hint=_REACH)


def _from_server(error: Any, server: str) -> PerfctlError:
    """What PostgreSQL itself said, with its SQLSTATE."""
    state = error.sqlstate or "XX000"
    said = f"{error.args[0] if error.args else error}"
    hint = getattr(error, "hint", None) or _HINTS.get(state) or getattr(error, "detail", None)
    if state.startswith(_AUTH):
        return AuthError(f"PostgreSQL at {server}: {said} (SQLSTATE {state})", hint=hint or _who(state))
    if state.startswith(_GONE):
        return UnreachableError(f"PostgreSQL at {server}: {said} (SQLSTATE {state})", hint=hint or _REACH)
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
