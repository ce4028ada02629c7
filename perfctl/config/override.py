"""Warnings about values in force: the environment over a chosen context, secrets that others may read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from perfctl.config.given import Given, Layer
from perfctl.config.reference import peek
from perfctl.config.secret import Secret
from perfctl.config.settings import hosts_of

_URLS: Mapping[str, str] = {"database.host": "database.dsn", "cache.redis_host": "cache.redis_url"}


def override_warning(context: str, own: Layer, variables: Layer, environ: Mapping[str, str]) -> str | None:
    """One line that names every variable that overrides a value of the chosen context itself; None where none does."""
    pairs = [pair for key, given in variables.items() for pair in _overridden(key, given, own, environ)]
    if not pairs:
        return None
    return f"the environment overrides context {context!r}: {', '.join(pairs)}"


def readable_secrets(layer: Layer) -> Iterator[str]:
    """A line for each file in force that holds a secret and that others may read."""
    for key, given in layer.items():
        secret = given.value
        if isinstance(secret, Secret) and secret.kind == "file" and _is_readable(str(secret.target)):
            yield f"{secret.where}: {key}: others may read {secret.target}; chmod 600 {secret.target}"


def _overridden(key: str, given: Given, own: Layer, environ: Mapping[str, str]) -> Iterator[str]:
    name = given.source.where.removeprefix("env ")
    url_key = _URLS.get(key)
    if url_key in own and (given.value,) != hosts_of(own[url_key].value):
        yield f"{name} over {url_key} ({own[url_key].source.where})"
    elif key in own and not _is_equal(given.value, own[key].value, environ):
        yield f"{name} over {key} ({own[key].source.where})"


def _is_equal(one: object, other: object, environ: Mapping[str, str]) -> bool:
    if isinstance(one, Secret) and isinstance(other, Secret):
        value = peek(one, environ)
        return value is not None and value == peek(other, environ)
    return one == other


def _is_readable(path: str) -> bool:
    try:
        return bool(Path(path).stat().st_mode & 0o077)
    except OSError:
        return False
