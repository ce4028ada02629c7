"""Can perfctl work on this server: from the facts that the server gave to the one thing to mend, without I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from perfctl.db.hosting import host_of
from perfctl.db.postgres import quoted
from perfctl.diagnosis import Check, Status

_COMPONENT = "postgres"
_PRELOAD = "shared_preload_libraries = 'pg_stat_statements' in postgresql.conf, and a restart"
_CREATE = "CREATE EXTENSION pg_stat_statements;"
_QUERY_SIZE_BYTES = 4096
_NEARLY_FULL, _FULL = 0.8, 0.95
_FREE = "close idle sessions, or put a pooler in front; max_connections needs a restart"


def connected(facts: Mapping[str, Any], *, server: str, took_ms: float) -> Check:
    """The connection, and which server it is."""
    observed = f"PostgreSQL {facts['version'].split()[0]} at {server} as {facts['role']}"
    host = host_of(facts)
    observed += f", {host.name}" if host else ""
    observed += ", a replica" if facts.get("is_replica") else ""
    return Check(_COMPONENT, "connect", "pass", observed, took_ms=round(took_ms, 3))


def unconnected(reason: str, hint: str | None) -> Check:
    """Why there is no connection."""
    return Check(_COMPONENT, "connect", "fail", reason, fix=hint)


def examine(facts: Mapping[str, Any], *, sslmode: str, is_local: bool) -> list[Check]:
    """Everything but the connection itself: TLS, rights, what is counted."""
    checks = [_tls(facts, sslmode, is_local), _rights(facts), _tables(facts), _statements(facts)]
    return [*checks, _io_timing(facts), _tracking(facts), _query_size(facts)]


def pooler(*, backend_pid: int, announced_pid: int | None) -> Check:
    """Whether a pooler stands between: it announces a process of its own making, where PostgreSQL announces its own."""
    if announced_pid in (None, backend_pid):
        return Check(_COMPONENT, "pooler", "pass", "none between: the session is ours alone")
    observed = "a pooler such as PgBouncer stands between: prepared statements are not kept"
    return Check(_COMPONENT, "pooler", "pass", observed)


def role(facts: Mapping[str, Any]) -> Check:
    """Whether it takes writes: `database` should name the primary, `replica_dsns` the others."""
    if not facts.get("is_replica"):
        return Check(_COMPONENT, "role", "pass", "primary")
    fix = "name the primary in database.host, and replicas in database.replica_dsns; or let it finish its recovery"
    return Check(_COMPONENT, "role", "warn", "in recovery: it takes no writes", fix=fix)


def saturation(facts: Mapping[str, Any]) -> Check:
    """How many of the server's connections are taken."""
    used, most = facts["connections"], facts["max_connections"]
    share = used / most if most else 0.0
    status: Status = "fail" if share >= _FULL else "warn" if share >= _NEARLY_FULL else "pass"
    return Check(
        _COMPONENT,
        "connections",
        status,
        f"{used} of {most} in use",
        fix=None if status == "pass" else _FREE,
        value=round(share, 4),
        unit="ratio",
        threshold=_FULL if status == "fail" else _NEARLY_FULL,
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
    tables, readable = facts["tables"], facts["tables_readable"]
    if readable == tables:
        return Check(_COMPONENT, "pg_stats", "pass", f"statistics of every table ({tables}) are readable")
    observed = f"statistics of {readable} of {tables} tables are readable: estimates are unavailable for the others"
    role = quoted(facts["role"])
    has_role = int(facts["version"].split(".")[0].split()[0]) >= 14
    fix = f"GRANT pg_read_all_data TO {role};" if has_role else f"GRANT SELECT ON ALL TABLES IN SCHEMA ... TO {role};"
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
        host = host_of(facts)
        preload = host.preload if host else _PRELOAD
        is_made = facts["extension_version"] or _CREATE in preload
        fix = preload if is_made else f"{preload}; then {_CREATE}"
        return "pg_stat_statements is not preloaded: the server counts no statements", fix
    if not facts["extension_version"]:
        where = f"in database {facts['database']!r}"
        fix = _CREATE if facts["available"] else f"install PostgreSQL's contrib package; then {_CREATE}"
        return f"pg_stat_statements is preloaded, but not created {where}", fix
    if not facts["extension_schema_usable"]:
        schema, role = quoted(facts["extension_schema"]), quoted(facts["role"])
        return f"{role} may not look into schema {schema}", f"GRANT USAGE ON SCHEMA {schema} TO {role};"
    if facts.get("extension_readable") is False:
        view, role = f"{quoted(facts['extension_schema'])}.pg_stat_statements", quoted(facts["role"])
        return f"{role} may not read {view}", f"GRANT SELECT ON {view} TO {role};"
    return None


def _io_timing(facts: Mapping[str, Any]) -> Check:
    if facts["track_io_timing"]:
        return Check(_COMPONENT, "track_io_timing", "pass", "on")
    fix = _set(facts, "track_io_timing", "on")
    return Check(_COMPONENT, "track_io_timing", "warn", "off: waiting for the disk is not told apart", fix=fix)


def _tracking(facts: Mapping[str, Any]) -> Check:
    """What is counted and shown at all: without, autovacuum is blind, too."""
    off = [name for name in ("track_counts", "track_activities") if not facts[name]]
    if not off:
        return Check(_COMPONENT, "tracking", "pass", "track_counts and track_activities are on")
    observed = f"{' and '.join(off)} off: there is nothing to see"
    return Check(_COMPONENT, "tracking", "fail", observed, fix=" ".join(_set(facts, name, "on") for name in off))


def _query_size(facts: Mapping[str, Any]) -> Check:
    """Statements longer than this are cut in db activity and db locks, and cannot be explained from there."""
    size = facts["query_size_bytes"]
    observed = f"statements are shown up to {size} bytes"
    if size >= _QUERY_SIZE_BYTES:
        return Check(_COMPONENT, "track_activity_query_size", "pass", observed)
    # A default, and a restart: worth telling, not worth a warning.
    return Check(_COMPONENT, "track_activity_query_size", "pass", f"{observed}; 4096 would cut fewer (a restart)")


def _set(facts: Mapping[str, Any], name: str, value: str) -> str:
    """How a setting is changed on this server."""
    host = host_of(facts)
    if host:
        return f"set {name} = {value} in {host.settings}"
    return f"ALTER SYSTEM SET {name} = {value}; SELECT pg_reload_conf();"
