"""Settings that contradict each other are faults with their place."""

from __future__ import annotations

import pytest

from perfctl.config import CacheConfig, DatabaseConfig
from perfctl.config.rules import require_valid
from perfctl.errors import ConfigError
from tests.unit.config.conftest import Place


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cache: {cluster_enabled: true}", "1:26: cache.cluster_enabled is true, but there is no address"),
        ("cache: {sentinel_enabled: true}", "1:27: cache.sentinel_enabled is true, but there is no address"),
        (
            "cache: {serialization_method: pickle}",
            "1:31: cache.serialization_method 'pickle' needs cache.encryption_key:"
            " reading a pickle that somebody else could write runs their code",
        ),
        (
            "database: {min_connections: 9, max_connections: 3}",
            "1:29: database.min_connections 9 is more than database.max_connections 3",
        ),
        (
            "cache: {redis_host: h, redis_password: {rds_iam: true}}",
            "1:40: cache.redis_password {rds_iam: true} is not a password of this service",
        ),
        (
            "database: {password: {rds_iam: true}}",
            "1:22: database.password {rds_iam: true} needs database.host and database.username",
        ),
        (
            "cache: {previous_encryption_key: {env: OLD}}",
            "1:34: cache.previous_encryption_key stands without cache.encryption_key",
        ),
        ("cache: {namespaces: [{local: true}]}", "1:21: cache.namespaces [0] has no name"),
        (
            "cache: {namespaces: [{name: api}, {name: api}]}",
            "1:21: cache.namespaces [1] 'api' stands there twice",
        ),
        ("database: {checks: [{warn: 1}]}", "1:20: database.checks [0] has no name"),
        (
            "database: {checks: [{name: xid_age}, {name: xid_age}]}",
            "1:20: database.checks [1] 'xid_age' stands there twice",
        ),
        ("database: {sslkey: k.pem}", "1:20: database.sslkey stands without database.sslcert"),
        (
            "cache: {namespaces: [{name: api, encrypted: true}]}",
            "1:21: cache.namespaces [0] 'api': encrypted needs cache.encryption_key",
        ),
        (
            "cache: {namespaces: [{name: api, serialization_method: pickle}]}",
            "1:21: cache.namespaces [0] 'api': pickle needs cache.encryption_key",
        ),
        ("cdn: {access_key_id: AK}", "1:22: cdn.access_key_id stands without cdn.secret_access_key"),
        ("database: {host: h, dsn: 'postgresql://i/x'}", "1:26: database.dsn and database.host are both set"),
        ("cache: {redis_host: h, redis_url: 'redis://i'}", "1:35: cache.redis_url and cache.redis_host are both set"),
    ],
)
def test_a_contradiction_names_its_cause(place: Place, text: str, expected: str) -> None:
    error = place.user(text).error()
    assert error.message.startswith(f"{place.user_file}:{expected.partition(': ')[0]}: ")
    assert error.message.endswith(expected.partition(": ")[2])


def test_a_contradiction_across_sources_names_the_variable(place: Place) -> None:
    assert place.env(REDIS_CLUSTER_ENABLED="true").error().where == "env REDIS_CLUSTER_ENABLED"


def test_a_configuration_that_a_program_built_is_checked_too() -> None:
    with pytest.raises(ConfigError, match=r"^CacheConfig\(cluster_enabled\): cache.cluster_enabled is true"):
        require_valid(CacheConfig(cluster_enabled=True))
    require_valid(DatabaseConfig(host="h"))


@pytest.mark.parametrize(
    ("config", "mode"),
    [
        (DatabaseConfig(), "prefer"),
        (DatabaseConfig(host="localhost"), "prefer"),
        (DatabaseConfig(host="127.0.0.1"), "prefer"),
        (DatabaseConfig(host="::1"), "prefer"),
        (DatabaseConfig(host="/run/postgresql"), "prefer"),
        (DatabaseConfig(host="db.internal"), "require"),
        (DatabaseConfig(host="127.0.0.1.evil.example"), "require"),
        (DatabaseConfig(dsn="postgresql://localhost/x"), "prefer"),
        (DatabaseConfig(dsn="postgresql:///x?host=/run/postgresql"), "prefer"),
        (DatabaseConfig(dsn="postgresql://localhost,db/x"), "require"),
        (DatabaseConfig(dsn="postgresql://u@db:1/x?sslmode=verify-ca"), "verify-ca"),
        (DatabaseConfig(host="db", sslmode="disable"), "disable"),
    ],
)
def test_tls_is_required_off_this_machine(config: DatabaseConfig, mode: str) -> None:
    assert config.effective_sslmode == mode
