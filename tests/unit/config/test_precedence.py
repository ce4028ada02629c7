"""Who wins: flag, variable, --config, project, user, what other programs read, default."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from perfctl.config import Secret
from perfctl.config.environment import ALIASES
from perfctl.config.fields import every_field
from perfctl.errors import UsageError
from tests.unit.config.conftest import Place


def test_without_anything_the_defaults_hold_also_without_home(place: Place, tmp_path: Path) -> None:
    place.environ.clear()
    settings = place.load(folder=tmp_path)
    assert (settings.context, settings.cache.ttl_seconds, settings.origins, settings.warnings) == (
        "default",
        3600,
        {},
        (),
    )


def test_each_source_wins_over_the_next(place: Place, tmp_path: Path) -> None:
    named = tmp_path / "named.yaml"
    steps: list[Callable[[], object]] = [
        lambda: place.env(DATABASE_URL="postgresql://from-url/x"),
        lambda: place.user("database: {host: from-user}"),
        lambda: place.hostile("database: {host: from-project}"),
        lambda: named.write_text("database: {host: from-named}"),
        lambda: place.env(DB_HOST="from-alias"),
        lambda: place.env(PERFCTL_DATABASE__HOST="from-variable"),
    ]
    seen = []
    for step in steps:
        step()
        database = place.load(config_file=named if named.exists() else None).database
        seen.append(database.dsn or database.host)
    assert seen == [
        "postgresql://from-url/x",
        "from-user",
        "from-project",
        "from-named",
        "from-alias",
        "from-variable",
    ]
    assert place.load(config_file=named, flags={"database.dsn": "postgresql://flag/x"}).database.host is None


def test_files_merge_key_by_key(place: Place) -> None:
    place.user("cache: {ttl_seconds: 1, max_size_mb: 2}").hostile("cache: {ttl_seconds: 3}")
    cache = place.load().cache
    assert (cache.ttl_seconds, cache.max_size_mb) == (3, 2)


def test_every_value_knows_where_it_was_set(place: Place) -> None:
    place.user("cache:\n  ttl_seconds: 1\n").env(REDIS_HOST="r")
    origins = place.load(flags={"database.dsn": "postgresql://h/x"}).origins
    assert {key: origin.source for key, origin in origins.items()} == {
        "cache.ttl_seconds": f"{place.user_file}:2:16",
        "cache.redis_host": "env REDIS_HOST",
        "database.dsn": "--dsn",
    }


@pytest.mark.parametrize("name", ALIASES)
def test_each_alias_sets_its_key(place: Place, name: str) -> None:
    key = ALIASES[name]
    kind = every_field()[key].kind
    text = {"integer": "7", "boolean": "true", "secret": "canary"}.get(kind, "http://h" if "url" in key else "h")
    section, _, field = key.partition(".")
    settings = place.env(**{name: text, "REDIS_HOST": "h"}).load()
    expected = {"integer": 7, "boolean": True, "secret": Secret("env", name, f"env {name}")}.get(kind, text)
    assert getattr(getattr(settings, section), field) == expected


def test_a_variable_for_every_key_is_read(place: Place) -> None:
    place.env(PERFCTL_CACHE__SENTINEL_NODES="a:1, b:2", PERFCTL_CDN__GZIP_ENABLED="off")
    settings = place.load()
    assert settings.cache.sentinel_nodes == ("a:1", "b:2")
    assert settings.cdn.gzip_enabled is False


def test_a_misspelt_variable_is_a_fault_and_an_empty_one_says_nothing(place: Place) -> None:
    place.env(PERFCTL_CACHE__TTL_SECOND="5", DB_HOST="")
    error = place.error()
    assert error.message == "env PERFCTL_CACHE__TTL_SECOND: PERFCTL_CACHE__TTL_SECOND is not the variable of a setting"
    assert error.hint == "did you mean 'PERFCTL_CACHE__TTL_SECONDS'?"


def test_a_wrong_value_in_a_variable_names_the_variable(place: Place) -> None:
    error = place.env(DB_PORT="abc", REDIS_CLUSTER_ENABLED="maybe").error()
    assert "env REDIS_CLUSTER_ENABLED: cache.cluster_enabled: 'maybe' is not true or false" in error.message
    assert "env DB_PORT: database.port: 'abc' is not a whole number from 1 to 65535" in error.message


def test_one_wrong_value_in_a_variable_has_a_next_step(place: Place) -> None:
    error = place.env(PERFCTL_CACHE__CLUSTER_ENABLED="maybe").error()
    assert error.hint == (
        "give PERFCTL_CACHE__CLUSTER_ENABLED such a value, or take it away: unset PERFCTL_CACHE__CLUSTER_ENABLED"
    )


@pytest.mark.parametrize(
    "flags",
    [
        {"database.dsn": "postgresql://u:canary@h/x"},
        {"cache.redis_url": "redis://:canary@h"},
        {"database.dsn": "postgresql://h/x?password=canary"},
        {"database.dsn": "host=h password=canary"},
        {"database.dsn": "mysql://canary"},
    ],
)
def test_a_flag_with_a_password_or_without_sense_is_refused(place: Place, flags: dict[str, str | None]) -> None:
    with pytest.raises(UsageError) as caught:
        place.load(flags=flags)
    assert caught.value.where in ("--dsn", "--redis-url")
    assert "canary" not in str(caught.value) or "mysql" in flags["database.dsn"]  # type: ignore[operator]


def test_a_host_puts_a_weaker_url_out_of_force_with_its_password(place: Place) -> None:
    place.user("database: {dsn: 'postgresql://u:canary@old/x'}").env(DB_HOST="new")
    database = place.load().database
    assert (database.host, database.dsn, database.password) == ("new", None, None)


def test_a_stronger_part_is_written_into_a_weaker_url(place: Place) -> None:
    place.user("database: {dsn: 'postgresql://u@h:1/x'}\ncache: {redis_url: 'redis://r/0'}")
    place.env(DB_PORT="2", DB_NAME="y", REDIS_PORT="7")
    settings = place.load()
    assert (settings.database.dsn, settings.cache.redis_url) == ("postgresql://u@h:2/y", "redis://r:7/0")


def test_the_password_of_a_url_becomes_a_secret_and_the_one_beside_it_wins(place: Place) -> None:
    place.user(
        "database: {dsn: 'postgresql://u:in%40side@h/x'}\ncache: {redis_url: 'redis://:a@r', redis_password: {env: B}}"
    )
    settings = place.load()
    where = f"{place.user_file}:1:17"
    assert settings.database.dsn == "postgresql://u@h/x"
    assert settings.database.password == Secret("literal", "in@side", where)
    assert settings.cache.redis_password == Secret("env", "B", f"{place.user_file}:2:58")
    assert any("database.dsn holds a password in the open" in warning for warning in settings.warnings)


def test_a_pool_size_lowers_the_lower_limit_too(place: Place) -> None:
    database = place.user("database: {min_connections: 10}").env(DB_POOL_SIZE="3").load().database
    assert (database.min_connections, database.max_connections) == (3, 3)


def test_the_search_for_a_project_file_ends_at_the_root_of_the_repository(place: Place, tmp_path: Path) -> None:
    deep = place.project / "a" / "b"
    deep.mkdir(parents=True)
    place.hostile("cache: {ttl_seconds: 1}")
    (tmp_path / "perfctl.yaml").write_text("cache: {max_size_mb: 1}")
    cache = place.load(folder=deep).cache
    assert (cache.ttl_seconds, cache.max_size_mb) == (1, 100)


def test_outside_a_repository_only_the_current_folder_counts(place: Place, tmp_path: Path) -> None:
    inner = tmp_path / "plain" / "inner"
    inner.mkdir(parents=True)
    (inner.parent / "perfctl.yaml").write_text("cache: {ttl_seconds: 1}")
    assert place.load(folder=inner).cache.ttl_seconds == 3600
    assert place.load(folder=inner.parent).cache.ttl_seconds == 1


def test_a_path_in_a_file_is_seen_from_its_folder(place: Place) -> None:
    place.user("cache: {tls_ca: ca.pem}\ndatabase: {sslrootcert: /etc/ca.pem}")
    settings = place.load()
    assert settings.cache.tls_ca == str(place.user_file.parent / "ca.pem")
    assert settings.database.sslrootcert == "/etc/ca.pem"
