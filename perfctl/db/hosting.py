"""Who runs a server: the hosted services, recognised by their roles, and where each keeps its settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Host:
    """A service that runs PostgreSQL for others, and how its customers change what a file holds elsewhere."""

    name: str
    settings: str
    """Where its settings are changed."""
    preload: str
    """How pg_stat_statements is loaded there."""


_PARAMETER_GROUP = "the {} parameter group"
_RDS = Host(
    "Amazon RDS",
    _PARAMETER_GROUP.format("instance's"),
    "add pg_stat_statements to shared_preload_libraries in the instance's parameter group, and reboot",
)
_AURORA = Host(
    "Amazon Aurora",
    _PARAMETER_GROUP.format("cluster's"),
    "add pg_stat_statements to shared_preload_libraries in the cluster's parameter group, and reboot",
)
_BY_ROLE: Mapping[str, Host] = {
    "rds_superuser": _RDS,
    "cloudsqlsuperuser": Host(
        "Google Cloud SQL", "the instance's database flags", "it is loaded there: CREATE EXTENSION pg_stat_statements;"
    ),
    "alloydbsuperuser": Host(
        "Google AlloyDB", "the instance's database flags", "it is loaded there: CREATE EXTENSION pg_stat_statements;"
    ),
    "azure_pg_admin": Host(
        "Azure Database for PostgreSQL",
        "the server parameters",
        "add pg_stat_statements to shared_preload_libraries and to azure.extensions in the server parameters, "
        "and restart",
    ),
    "supabase_admin": Host(
        "Supabase", "ALTER ROLE ... SET, or its CLI", "it is loaded there: enable it under Database > Extensions"
    ),
    "neon_superuser": Host(
        "Neon", "ALTER ROLE ... SET, or its support", "it is loaded there: CREATE EXTENSION pg_stat_statements;"
    ),
}


def host_of(facts: Mapping[str, Any]) -> Host | None:
    """The service that runs the server; None where nothing tells of one."""
    if facts.get("is_aurora"):
        return _AURORA
    return next((_BY_ROLE[role] for role in facts.get("hosted_roles") or () if role in _BY_ROLE), None)
