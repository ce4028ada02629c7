"""From what the server said to the one thing to mend."""

from __future__ import annotations

from typing import Any

import pytest

from perfctl.db.doctor import connected, examine, pooler, saturation, statements_fault

WELL: dict[str, Any] = {
    "version": "18.6 (Debian)",
    "role": "app",
    "superuser": False,
    "reads_statistics": True,
    "reads_tables": True,
    "tls": True,
    "tls_version": "TLSv1.3",
    "preloaded": True,
    "available": True,
    "extension_version": "1.12",
    "extension_schema": "public",
    "extension_schema_usable": True,
    "extension_readable": True,
    "track_io_timing": True,
    "track_activities": True,
    "track_counts": True,
    "query_size_bytes": 4096,
    "is_replica": False,
    "tables": 7,
    "tables_readable": 0,
    "hosted_roles": [],
    "is_aurora": False,
    "database": "trading",
    "connections": 3,
    "max_connections": 100,
}


def mended(change: dict[str, Any], *, sslmode: str = "verify-full", is_local: bool = False) -> dict[str, str | None]:
    """What is not well, and its fix."""
    checks = examine({**WELL, **change}, sslmode=sslmode, is_local=is_local)
    return {check.check: check.fix for check in checks if check.status != "pass"}


def test_a_server_that_is_set_up_well_needs_nothing() -> None:
    assert mended({}) == {}


def test_the_connection_is_named_with_its_version_and_role() -> None:
    check = connected(WELL, server="db:5432/trading", took_ms=1.23456)
    assert (check.observed, check.took_ms) == ("PostgreSQL 18.6 at db:5432/trading as app", 1.235)


@pytest.mark.parametrize(
    ("change", "check", "fix"),
    [
        ({"reads_statistics": False}, "rights", 'GRANT pg_monitor TO "app";'),
        ({"reads_tables": False}, "pg_stats", 'GRANT pg_read_all_data TO "app";'),
        (
            {"reads_tables": False, "version": "13.22"}, "pg_stats",
            'GRANT SELECT ON ALL TABLES IN SCHEMA ... TO "app";',
        ),
        ({"extension_readable": False}, "pg_stat_statements", 'GRANT SELECT ON "public".pg_stat_statements TO "app";'),
        (
            {"track_counts": False}, "tracking", "ALTER SYSTEM SET track_counts = on; SELECT pg_reload_conf();",
        ),
        (
            {"track_io_timing": False, "hosted_roles": ["rds_superuser"]}, "track_io_timing",
            "set track_io_timing = on in the instance's parameter group",
        ),
        (
            {"preloaded": False, "hosted_roles": ["azure_pg_admin"]}, "pg_stat_statements",
            "add pg_stat_statements to shared_preload_libraries and to azure.extensions in the server parameters, "
            "and restart",
        ),
        ({"extension_version": None}, "pg_stat_statements", "CREATE EXTENSION pg_stat_statements;"),
        ({"extension_schema_usable": False}, "pg_stat_statements", 'GRANT USAGE ON SCHEMA "public" TO "app";'),
        (
            {"track_io_timing": False}, "track_io_timing",
            "ALTER SYSTEM SET track_io_timing = on; SELECT pg_reload_conf();",
        ),
        (
            {"preloaded": False},
            "pg_stat_statements",
            "shared_preload_libraries = 'pg_stat_statements' in postgresql.conf, and a restart",
        ),
    ],
)  # fmt: skip
def test_each_lack_has_one_thing_that_mends_it(change: dict[str, Any], check: str, fix: str) -> None:
    assert mended(change) == {check: fix}


def test_a_server_that_counts_nothing_needs_both_steps() -> None:
    fault = statements_fault({**WELL, "preloaded": False, "extension_version": None})
    assert fault is not None
    assert fault[1].endswith("and a restart; then CREATE EXTENSION pg_stat_statements;")


@pytest.mark.parametrize(
    ("tls", "sslmode", "is_local", "status"),
    [
        (True, "verify-full", False, "pass"),
        (True, "require", False, "warn"),
        (False, "prefer", False, "fail"),
        (False, "prefer", True, "pass"),
        (True, "prefer", True, "pass"),
    ],
)
def test_tls_is_judged_by_where_the_server_is(tls: bool, sslmode: str, is_local: bool, status: str) -> None:
    check = examine({**WELL, "tls": tls}, sslmode=sslmode, is_local=is_local)[0]
    assert check.status == status
    assert (check.fix is None) is (status == "pass")
    assert check.fix is None or "verify-full" in check.fix


@pytest.mark.parametrize(("used", "status"), [(79, "pass"), (80, "warn"), (95, "fail"), (100, "fail")])
def test_connections_run_out_slowly(used: int, status: str) -> None:
    assert saturation({**WELL, "connections": used}).status == status


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"hosted_roles": ["rds_superuser"]}, "Amazon RDS"),
        ({"hosted_roles": ["rds_superuser"], "is_aurora": True}, "Amazon Aurora"),
        ({"hosted_roles": ["cloudsqlsuperuser"]}, "Google Cloud SQL"),
        ({"hosted_roles": ["azure_pg_admin"]}, "Azure Database for PostgreSQL"),
        ({"hosted_roles": ["supabase_admin"]}, "Supabase"),
    ],
)
def test_a_hosted_service_is_named(change: dict[str, Any], name: str) -> None:
    assert connected({**WELL, **change}, server="db", took_ms=1).observed.endswith(f" as app, {name}")


def test_statistics_are_readable_where_every_table_is() -> None:
    assert mended({"reads_tables": False, "tables_readable": 7}) == {}


def test_a_pooler_announces_another_process() -> None:
    assert "PgBouncer" in pooler(backend_pid=10, announced_pid=2_000_000_000).observed
    assert "none between" in pooler(backend_pid=10, announced_pid=10).observed
