"""The servers of a sandbox answer as their environment says."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest
import redis

from tests.conftest import RunningSandbox

pytestmark = pytest.mark.servers


def test_valkey_lets_in_who_knows_the_password(sandbox: RunningSandbox) -> None:
    environment = sandbox.environment
    with redis.Redis(
        environment["REDIS_HOST"], int(environment["REDIS_PORT"]), password=environment["REDIS_PASSWORD"]
    ) as client:
        assert client.ping()


def test_valkey_refuses_who_does_not(sandbox: RunningSandbox) -> None:
    port = int(sandbox.environment["REDIS_PORT"])
    with redis.Redis("127.0.0.1", port) as client, pytest.raises(redis.AuthenticationError):
        client.ping()


def test_the_database_belongs_to_its_superuser_and_keeps_statistics_of_queries(sandbox: RunningSandbox) -> None:
    async def ask() -> tuple[object, ...]:
        connection = await asyncpg.connect(_dsn(sandbox.environment))
        try:
            row = await connection.fetchrow(
                """
                SELECT current_setting('shared_preload_libraries'), current_setting('track_io_timing'),
                       usesuper, pg_get_userbyid(datdba) = current_user,
                       (SELECT count(*) > 0 FROM pg_stat_statements)
                FROM pg_user, pg_database WHERE usename = current_user AND datname = current_database()
                """
            )
        finally:
            await connection.close()
        return tuple(row)

    assert asyncio.run(ask()) == ("pg_stat_statements,auto_explain", "on", True, True, True)


def test_postgres_refuses_a_wrong_password(sandbox: RunningSandbox) -> None:
    wrong = {**sandbox.environment, "DB_PASSWORD": "wrong"}

    with pytest.raises(asyncpg.InvalidPasswordError):
        asyncio.run(asyncpg.connect(_dsn(wrong)))


def _dsn(environment: dict[str, str]) -> str:
    return "postgresql://{DB_USER}:{DB_PASSWORD}@{DB_HOST}:{DB_PORT}/{DB_NAME}".format(**environment)
