"""What the driver is told, and how a server is called in messages."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import quote_plus

import pytest

from perfctl import credentials
from perfctl.config import DatabaseConfig, Secret
from perfctl.db.postgres import address, connection_arguments, quoted
from perfctl.errors import ConfigError


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (DatabaseConfig(host="db", port=6432, database="trading"), "db:6432/trading"),
        (DatabaseConfig(host="db"), "db:5432"),
        (DatabaseConfig(dsn="postgresql://app:canary@db:1,db2:2/trading?sslmode=require"), "db:1,db2:2/trading"),
        (DatabaseConfig(dsn="postgresql:///trading"), "localhost/trading"),
    ],
)
def test_a_server_is_named_without_its_secrets(config: DatabaseConfig, expected: str) -> None:
    assert address(config) == expected


def test_off_this_machine_tls_is_required() -> None:
    assert connection_arguments(DatabaseConfig(host="db.example"))["ssl"] == "require"
    assert connection_arguments(DatabaseConfig(dsn="postgresql://db.example/x"))["ssl"] == "require"
    assert connection_arguments(DatabaseConfig(host="127.0.0.1"))["ssl"] == "prefer"


@pytest.mark.parametrize("dsn", [None, "postgresql://db/x", "postgresql://db/x?connect_timeout=3"])
def test_a_root_certificate_reaches_the_driver_through_the_dsn(dsn: str | None, tmp_path: Path) -> None:
    authority = tmp_path / "c a.crt"
    authority.touch()
    told = connection_arguments(DatabaseConfig(host="db", dsn=dsn, sslrootcert=str(authority)))["dsn"]
    assert told.endswith(f"sslrootcert={quote_plus(str(authority))}")
    assert told.count("?") == 1


def test_a_certificate_that_is_not_there_is_named() -> None:
    with pytest.raises(ConfigError, match=r"database\.sslcert: there is no file /nowhere/client\.crt"):
        connection_arguments(DatabaseConfig(host="db", sslcert="/nowhere/client.crt"))


def test_without_an_address_there_is_nothing_to_connect_to() -> None:
    with pytest.raises(ConfigError, match="no database is configured"):
        connection_arguments(DatabaseConfig())


@pytest.mark.parametrize(("name", "expected"), [("a", '"a"'), ('A "b"', '"A ""b"""'), ("", '""')])
def test_names_are_quoted_as_sql_does(name: str, expected: str) -> None:
    assert quoted(name) == expected


@pytest.mark.parametrize(
    "config",
    [
        DatabaseConfig(host="db", port=6432, username="app", password=Secret("rds_iam", ""), region="eu-west-1"),
        DatabaseConfig(dsn="postgresql://app@db:6432/x", password=Secret("rds_iam", ""), region="eu-west-1"),
    ],
)
def test_a_token_is_made_for_the_server_and_the_user(config: DatabaseConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[credentials.Login | None] = []

    async def resolve(secret: object, login: credentials.Login | None = None) -> str:
        asked.append(login)
        return "token"

    monkeypatch.setattr(credentials, "resolve", resolve)
    assert asyncio.run(connection_arguments(config)["password"]()) == "token"
    assert asked == [credentials.Login(host="db", port=6432, username="app", region="eu-west-1")]
