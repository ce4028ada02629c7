"""Can perfctl work on this server: from the facts that the server gave to the one thing to mend, without I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from perfctl.db.postgres import quoted
from perfctl.diagnosis import Check

_COMPONENT = "postgres"
_PRELOAD = "shared_preload_libraries = 'pg_stat_statements' in postgresql.conf, and a restart"
_CREATE = "CREATE EXTENSION pg_stat_statements;"


def connected(facts: Mapping[str, Any], *, server: str, took_ms: float) -> Check:
    """The connection, and which server it is."""
    observed = f"PostgreSQL {facts['version'].split()[0]} at {server} as {facts['role']}"
    return Check(_COMPONENT, "connect", "pass", observed, took_ms=round(took_ms, 3))


def unconnected(reason: str, hint: str | None) -> Check:
    """Why there is no connection."""
    return Check(_COMPONENT, "connect", "fail", reason, fix=hint)


def examine(facts: Mapping[str, Any], *, sslmode: str, is_local: bool) -> list[Check]:
    """Everything but the connection itself: TLS, rights, what is counted."""
    return [_tls(facts, sslmode, is_local), _rights(facts), _tables(facts), _statements(facts), _io_timing(facts)]


def saturation(facts: Mapping[str, Any]) -> Check:
    """How many of the server's connections are taken."""
    used, most = facts["connections"], facts["max_connections"]
    share = used / most if most else 0.0
    observed = f"{used} of {most} in use"
    if share < 0.8:
        return Check(_COMPONENT, "connections", "pass", observed)
    return Check(
        _COMPONENT,
        "connections",
        "fail" if share >= 0.95 else "warn",
        observed,
        fix="close idle sessions, or put a pooler in front; max_connections needs a restart",
    )


def _tls(facts: Mapping[str, Any], sslmode: str, is_local: bool) -> Check:
    reach = "database: {sslmode: verify-full, sslrootcert: /path/to/ca.pem}"
    if sslmode == "verify-full":
        return Check(_COMPONENT, "tls", "pass", f"{facts['tls_version']}, the server's name and certificate verified")
    if is_local:
        state = f"in use ({facts['tls_version']})" if facts["tls"] else "not in use, and not needed on this machine"
        return Check(_COMPONENT, "tls", "pass", f"{state}; sslmode {sslmode}")
    if facts["tls"]:
        observed = f"{facts['tls_version']}, but sslmode {sslmode} does not verify who answers"
        return Check(_COMPONENT, "tls", "warn", observed, fix=reach)
    return Check(_COMPONENT, "tls", "fail", f"not in use (sslmode {sslmode}): everything is readable", fix=reach)


def _rights(facts: Mapping[str, Any]) -> Check:
    if facts["superuser"] or facts["reads_statistics"]:
        as_what = "superuser" if facts["superuser"] else "pg_monitor"
        return Check(_COMPONENT, "rights", "pass", f"{facts['role']} sees every statistic ({as_what})")
    observed = f"{facts['role']} sees only its own statements and sessions"
    return Check(_COMPONENT, "rights", "warn", observed, fix=f"GRANT pg_monitor TO {quoted(facts['role'])};")


def _tables(facts: Mapping[str, Any]) -> Check:
    if facts["superuser"] or facts["reads_tables"]:
        return Check(_COMPONENT, "pg_stats", "pass", "statistics of every table are readable")
    observed = "statistics only of tables that this role may read: estimates are unavailable for others"
    fix = f"GRANT pg_read_all_data TO {quoted(facts['role'])};"
    return Check(_COMPONENT, "pg_stats", "warn", observed, fix=fix)


def _statements(facts: Mapping[str, Any]) -> Check:
    name = "pg_stat_statements"
    fault = statements_fault(facts)
    if fault:
        return Check(_COMPONENT, name, "fail", fault[0], fix=fault[1])
    observed = f"{facts['extension_version']} in schema {facts['extension_schema']}, readable"
    return Check(_COMPONENT, name, "pass", observed)


def statements_fault(facts: Mapping[str, Any]) -> tuple[str, str] | None:
    """What keeps pg_stat_statements from being read, and the one thing that mends it; None where nothing does."""
    if not facts["preloaded"]:
        fix = _PRELOAD if facts["extension_version"] else f"{_PRELOAD}; then {_CREATE}"
        return "pg_stat_statements is not preloaded: the server counts no statements", fix
    if not facts["extension_version"]:
        where = f"in database {facts['database']!r}"
        fix = _CREATE if facts["available"] else f"install PostgreSQL's contrib package; then {_CREATE}"
        return f"pg_stat_statements is preloaded, but not created {where}", fix
    if not facts["extension_schema_usable"]:
        schema, role = quoted(facts["extension_schema"]), quoted(facts["role"])
        return f"{role} may not look into schema {schema}", f"GRANT USAGE ON SCHEMA {schema} TO {role};"
    return None


def _io_timing(facts: Mapping[str, Any]) -> Check:
    if facts["track_io_timing"]:
        return Check(_COMPONENT, "track_io_timing", "pass", "on")
    fix = "ALTER SYSTEM SET track_io_timing = on; SELECT pg_reload_conf();"
    return Check(_COMPONENT, "track_io_timing", "warn", "off: waiting for the disk is not told apart", fix=fix)
