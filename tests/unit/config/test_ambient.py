"""What other programs read, too: DATABASE_URL, REDIS_URL, libpq's variables and files."""

from __future__ import annotations

import pytest

from perfctl.config import Secret
from tests.unit.config.conftest import Place


def test_database_url_and_redis_url_are_the_last_resort(place: Place) -> None:
    place.env(DATABASE_URL="postgres://u:pw@h:1/x?sslmode=verify-full", REDIS_URL="rediss://:pw2@r/3")
    settings = place.load()
    assert settings.database.dsn == "postgresql://u@h:1/x?sslmode=verify-full"
    assert settings.database.password == Secret("literal", "pw", "env DATABASE_URL")
    assert settings.database.effective_sslmode == "verify-full"
    assert settings.cache.redis_url == "rediss://r/3"
    assert settings.cache.redis_password == Secret("literal", "pw2", "env REDIS_URL")


def test_the_url_of_an_orm_is_understood_and_that_of_another_server_left_alone(place: Place) -> None:
    assert place.env(DATABASE_URL="postgresql+asyncpg://h/x").load().database.dsn == "postgresql://h/x"
    settings = place.env(DATABASE_URL="mysql://u:canary@h/x").load()
    assert settings.database.dsn is None
    assert settings.warnings == ("env DATABASE_URL: this is not a postgresql:// URL, so it is left alone",)


def test_the_password_of_database_url_goes_to_no_other_host(place: Place) -> None:
    database = place.user("database: {host: other}").env(DATABASE_URL="postgresql://u:pw@h/x").load().database
    assert (database.host, database.password) == ("other", None)


def test_libpqs_variables_are_read(place: Place) -> None:
    place.env(PGHOST="h", PGPORT="6", PGDATABASE="d", PGUSER="u", PGPASSWORD="p", PGSSLMODE="require")
    database = place.load().database
    assert (database.host, database.port, database.database, database.username) == ("h", 6, "d", "u")
    assert (database.password, database.sslmode) == (Secret("env", "PGPASSWORD", "env PGPASSWORD"), "require")


def test_the_sslmode_of_a_url_wins_over_the_weaker_variable(place: Place) -> None:
    place.env(PGSSLMODE="disable", DATABASE_URL="postgresql://h/x?sslmode=verify-full")
    assert place.load().database.effective_sslmode == "verify-full"
    assert place.user("database: {sslmode: require}").load().database.effective_sslmode == "require"


def test_pgpassword_goes_to_the_host_of_pghost_and_to_no_other(place: Place) -> None:
    place.env(PGHOST="h", PGPASSWORD="p")
    assert place.user("database: {host: other}").load().database.password is None
    assert place.user("database: {host: h}").load().database.password is not None


def test_a_service_is_looked_up(place: Place) -> None:
    (place.home / ".pg_service.conf").write_text("[a]\nhost=wrong\n# c\n[b]\nhost=h\ndbname = d\nuser=u\npassword=pw\n")
    database = place.env(PGSERVICE="b", PGHOST="env-host").load().database
    assert (database.host, database.database, database.username) == ("h", "d", "u")
    assert database.password == Secret("literal", "pw", f"{place.home}/.pg_service.conf:8")


def test_a_service_that_is_not_there_is_a_fault(place: Place) -> None:
    assert place.env(PGSERVICE="nope").error().where == "env PGSERVICE"


def pgpass(place: Place, text: str, mode: int = 0o600) -> None:
    path = place.home / ".pgpass"
    path.write_text(text)
    path.chmod(mode)


def test_the_first_line_of_pgpass_that_matches_gives_the_password(place: Place) -> None:
    pgpass(place, "# c\nother:*:*:*:no\nh:5432:d:u:we\\:ird\\\\\nh:*:*:*:late\n")
    place.env(DB_HOST="h", DB_NAME="d", DB_USER="u")
    assert place.load().database.password == Secret("literal", "we:ird\\", f"{place.home}/.pgpass:3")
    assert place.env(DB_PASSWORD="x").load().database.password == Secret("env", "DB_PASSWORD", "env DB_PASSWORD")


def test_pgpass_is_matched_with_the_parts_of_a_dsn(place: Place) -> None:
    pgpass(place, "h:7:d:u:found\n")
    secret = place.load(flags={"database.dsn": "postgresql://u@h:7/d"}).database.password
    assert secret == Secret("literal", "found", f"{place.home}/.pgpass:1")


def test_a_pgpass_that_others_may_read_is_ignored_with_a_warning(place: Place) -> None:
    pgpass(place, "*:*:*:*:canary\n", 0o644)
    settings = place.env(DB_HOST="h").load()
    assert settings.database.password is None
    assert "others may read it" in settings.warnings[0]


@pytest.mark.parametrize(
    ("host", "expected", "mode"),
    [
        ("db.remote", "postgresql://db.remote:6432/app", "require"),
        ("127.0.0.1", "postgresql://127.0.0.1:6432/app", "prefer"),
        ("/run/pg", "postgresql://%2Frun%2Fpg:6432/app", "prefer"),
        ("::1", "postgresql://[::1]:6432/app", "prefer"),
    ],
)
def test_a_dsn_without_a_host_takes_pghost_and_its_tls(place: Place, host: str, expected: str, mode: str) -> None:
    database = place.env(DATABASE_URL="postgresql:///app", PGHOST=host, PGPORT="6432").load().database
    assert (database.dsn, database.effective_sslmode) == (expected, mode)


def test_a_dsn_with_a_host_keeps_it(place: Place) -> None:
    database = place.env(DATABASE_URL="postgresql://db1/app", PGHOST="db2", PGPORT="6432").load().database
    assert database.dsn == "postgresql://db1/app"


@pytest.mark.parametrize("parameter", ["service=x", "passfile=/x", "s%65rvice=x"])
def test_a_dsn_does_not_lead_the_driver_past_the_configuration(place: Place, parameter: str) -> None:
    assert "PGSERVICE and PGPASSFILE" in str(place.env(DATABASE_URL=f"postgresql:///app?{parameter}").error().hint)
