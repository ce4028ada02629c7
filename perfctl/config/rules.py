"""What no single value shows: settings that contradict each other, each fault with the place of the cause."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from perfctl.config.addresses import user_of
from perfctl.config.fault import Fault, raise_for
from perfctl.config.secret import Secret
from perfctl.config.settings import CacheConfig, CDNConfig, CheckSettings, DatabaseConfig, NamespaceSettings, Settings

Place = Callable[[str], str]
"""From a key to where it was set."""


def contradictions(settings: Settings) -> tuple[Fault, ...]:
    """All contradictions of a whole configuration."""

    def place(key: str) -> str:
        origin = settings.origins.get(key)
        return origin.source if origin else key

    return (*_cache(settings.cache, place), *_cdn(settings.cdn, place), *_database(settings.database, place))


def require_valid(config: CacheConfig | CDNConfig | DatabaseConfig) -> None:
    """ConfigError when a configuration that a program built contradicts itself."""
    by_kind: Mapping[type, Callable[[Any, Place], Iterator[Fault]]] = {
        CacheConfig: _cache,
        CDNConfig: _cdn,
        DatabaseConfig: _database,
    }
    raise_for(tuple(by_kind[type(config)](config, lambda key: f"{type(config).__name__}({key.partition('.')[2]})")))


def _cache(cache: CacheConfig, place: Place) -> Iterator[Fault]:
    for key in ("cluster_enabled", "sentinel_enabled"):
        if getattr(cache, key) and not cache.has_redis:
            nodes = "cluster_nodes" if key == "cluster_enabled" else "sentinel_nodes"
            yield _fault(place, f"cache.{key}", "is true, but there is no address", f"set {nodes} or REDIS_HOST")
    if cache.cluster_enabled and cache.sentinel_enabled:
        yield _fault(place, "cache.sentinel_enabled", "and cache.cluster_enabled are both true", "choose one")
    if cache.previous_encryption_key and not cache.encryption_key:
        yield _fault(
            place, "cache.previous_encryption_key", "stands without cache.encryption_key", "set the key in use"
        )
    if cache.serialization_method == "pickle" and not cache.encryption_key:
        yield _fault(
            place,
            "cache.serialization_method",
            "'pickle' needs cache.encryption_key: reading a pickle that somebody else could write runs their code",
            "set cache.encryption_key, or use msgpack",
        )
    yield from _named(cache.namespaces, "cache.namespaces", "api", place)
    yield from _namespaces(cache, place)
    yield from _tokens(cache, "cache", ("redis_password", "elasticache_iam"), place)
    if _is(cache.redis_password, "elasticache_iam") and not (cache.elasticache_name and _user(cache)):
        hint = "set cache.elasticache_name and cache.redis_username"
        yield _fault(place, "cache.redis_password", "{elasticache_iam: true} needs the cache's name and a user", hint)


def _named(
    records: Sequence[NamespaceSettings | CheckSettings], key: str, example: str, place: Place
) -> Iterator[Fault]:
    """Each record has a name, and no other has it."""
    seen: set[str] = set()
    for index, record in enumerate(records):
        if not record.name:
            yield _fault(place, key, f"[{index}] has no name", f"write {{name: {example}, ...}}")
        elif record.name in seen:
            yield _fault(place, key, f"[{index}] {record.name!r} stands there twice", "join the two")
        seen.add(record.name)


def _namespaces(cache: CacheConfig, place: Place) -> Iterator[Fault]:
    for index, namespace in enumerate(cache.namespaces):
        where = f"[{index}] {namespace.name!r}"
        for what, needs_key in (
            ("pickle", namespace.serialization_method == "pickle"),
            ("encrypted", namespace.encrypted),
        ):
            if needs_key and not cache.encryption_key:
                yield _fault(place, "cache.namespaces", f"{where}: {what} needs cache.encryption_key", None)


def _user(cache: CacheConfig) -> str | None:
    return cache.redis_username or (user_of(cache.redis_url) if cache.redis_url else None)


def _cdn(cdn: CDNConfig, place: Place) -> Iterator[Fault]:
    yield from _tokens(cdn, "cdn", None, place)
    if cdn.secret_access_key and not cdn.access_key_id:
        yield _fault(place, "cdn.secret_access_key", "stands without cdn.access_key_id", "set both, or a profile")
    if cdn.access_key_id and not cdn.secret_access_key:
        yield _fault(place, "cdn.access_key_id", "stands without cdn.secret_access_key", "set both, or a profile")


def _database(database: DatabaseConfig, place: Place) -> Iterator[Fault]:
    low, high = database.min_connections, database.max_connections
    if low > high:
        hint = "lower min_connections, or raise max_connections"
        yield _fault(place, "database.min_connections", f"{low} is more than database.max_connections {high}", hint)
    if database.sslkey and not database.sslcert:
        yield _fault(place, "database.sslkey", "stands without database.sslcert", "set the certificate, too")
    yield from _named(database.checks, "database.checks", "connections", place)
    yield from _tokens(database, "database", ("password", "rds_iam"), place)
    if _is(database.password, "rds_iam") and not (database.dsn or (database.username and database.host)):
        yield _fault(place, "database.password", "{rds_iam: true} needs database.host and database.username", None)


def _tokens(
    config: CacheConfig | CDNConfig | DatabaseConfig, section: str, fitting: tuple[str, str] | None, place: Place
) -> Iterator[Fault]:
    """A login token of AWS fits the one password that it was made for."""
    for name in ("redis_password", "encryption_key", "previous_encryption_key", "secret_access_key", "password"):
        secret = getattr(config, name, None)
        for token in ("rds_iam", "elasticache_iam"):
            if _is(secret, token) and (name, token) != fitting:
                yield _fault(place, f"{section}.{name}", f"{{{token}: true}} is not a password of this service", None)


def _is(secret: Secret | str | None, kind: str) -> bool:
    return isinstance(secret, Secret) and secret.kind == kind


def _fault(place: Place, key: str, message: str, hint: str | None) -> Fault:
    return Fault(place(key), f"{key} {message}", hint)
