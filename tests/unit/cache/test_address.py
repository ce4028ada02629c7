"""Where Redis is, by the configuration."""

from __future__ import annotations

from typing import Any

import pytest

from perfctl.cache.address import address_of
from perfctl.config import CacheConfig
from perfctl.errors import ConfigError


def summary(**fields: Any) -> tuple[Any, ...]:
    """What matters of an address."""
    at = address_of(CacheConfig(**fields))
    return (at.mode, at.nodes, at.path, at.database, at.username, at.password, at.tls)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"redis_host": "h"}, ("standalone", (("h", 6379),), None, 0, None, None, False)),
        (
            {"redis_url": "redis://u:p%40@h:1/2", "redis_host": "other"},
            ("standalone", (("h", 1),), None, 2, "u", "p@", False),
        ),
        (
            {"redis_url": "rediss://h", "redis_password": "p", "redis_database": 3},
            ("standalone", (("h", 6379),), None, 3, None, "p", True),
        ),
        ({"redis_url": "valkey://[::1]:1?db=4"}, ("standalone", (("::1", 1),), None, 4, None, None, False)),
        ({"redis_url": "unix:///tmp/r.sock?db=1"}, ("standalone", (), "/tmp/r.sock", 1, None, None, False)),
        ({"cluster_enabled": True, "redis_host": "h"}, ("cluster", (("h", 6379),), None, 0, None, None, False)),
        (
            {"cluster_nodes": ("a:1", "b", "[::1]:2")},
            ("cluster", (("a", 1), ("b", 6379), ("::1", 2)), None, 0, None, None, False),
        ),
        (
            {"sentinel_nodes": ("a", "b:1"), "redis_database": 5},
            ("sentinel", (("a", 26379), ("b", 1)), None, 5, None, None, False),
        ),
    ],
)
def test_the_address_is_what_was_configured(fields: dict[str, Any], expected: tuple[Any, ...]) -> None:
    assert summary(**fields) == expected


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({}, "no Redis is configured"),
        ({"cluster_enabled": True}, "cache.cluster_enabled without an address"),
        ({"sentinel_enabled": True}, "cache.sentinel_enabled without an address"),
        ({"cluster_enabled": True, "sentinel_enabled": True, "redis_host": "h"}, "both cluster_enabled and"),
        ({"redis_url": "http://u:secret@h"}, "'http://h' does not start with one of redis, rediss"),
        ({"redis_url": "redis://u:secret@h:70000"}, "the port of 'redis://h:70000' is not"),
        ({"redis_url": "redis://h/x"}, "database 'x' is not a number"),
        ({"redis_url": "redis://h?ssl_cert_reqs=none"}, "parameter 'ssl_cert_reqs' is not known"),
        ({"cluster_nodes": ("a:b",)}, "cache.cluster_nodes: 'a:b' is not HOST:PORT"),
    ],
)
def test_what_cannot_be_an_address_is_refused_without_its_password(fields: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        address_of(CacheConfig(**fields))
    assert complaint in refusal.value.message
    assert "secret" not in refusal.value.message


def test_neither_text_nor_repr_shows_the_password() -> None:
    at = address_of(CacheConfig(redis_url="redis://u:hunter2@h"))
    assert str(at) == "h:6379"
    assert "hunter2" not in repr(at)
