"""How the configuration becomes a connection: the address, the certificates, the password of this moment."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from perfctl.errors import ConfigError

if TYPE_CHECKING:
    from perfctl.config import DatabaseConfig


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
        # A session names its statements itself, under names that no other process has: asyncpg's are numbers, which
        # behind a PgBouncer in transaction mode may be another process's statement.
        "statement_cache_size": 0,
        "server_settings": {"application_name": config.application_name},
    }
    return {name: value for name, value in given.items() if value is not None}


def _dsn(config: DatabaseConfig) -> str | None:
    """The DSN, with the certificates in it: asyncpg takes those from nowhere else."""
    files = {"sslrootcert": config.sslrootcert, "sslcert": config.sslcert, "sslkey": config.sslkey}
    given = {name: file for name, file in files.items() if file is not None}
    if not given:
        return config.dsn
    if config.effective_sslmode != "disable":
        for name, file in given.items():
            if not Path(file).is_file():
                raise ConfigError(f"database.{name}: there is no file {file}", hint="give the path of a PEM file")
    base = config.dsn or "postgresql://"
    return f"{base}{'&' if '?' in base else '?'}{urlencode(given)}"


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
