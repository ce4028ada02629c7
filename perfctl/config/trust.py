"""What a project file may not do: a cloned repository must not run a program, weaken TLS or send secrets elsewhere.

A `perfctl.yaml` that was found, not named with `--config`, is somebody else's until the user says otherwise. It may
describe its own contexts and tune everything that is neither an address, a secret, an account nor TLS. It may not

1. hold `{command}`, `{aws_secret}` or `{elasticache_iam}`, whose values the user's rights produce;
2. touch `protected`, `read_only` or `extends` of a context of the user's files, or make such a context, or one that
   extends it, the current one;
3. weaken TLS below what the user's files or the defaults give;
4. set an address, a secret or an account where a secret or a context of the user's stands, nor say what belongs to an
   address (database, user, key prefix) in a context of the user's, nor whose certificates a server of the user's has;
5. send to another machine a variable that does not look made for this, or read a file outside its folder;
6. open the API to other machines, or choose pickle, whose reading runs code.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from perfctl.config.document import Document
from perfctl.config.fault import Fault
from perfctl.config.fields import every_field
from perfctl.config.given import Given, Layer
from perfctl.config.secret import Secret
from perfctl.config.settings import SSL_MODES, CacheConfig, DatabaseConfig, Settings, SSLMode, hosts_of, is_local

_USERS_RIGHTS = ("command", "aws_secret", "elasticache_iam")
_SENSITIVE = ("address", "secret", "account", "path", "guard")
_MADE_FOR_THIS = re.compile(
    r"(?:^|_)(?:DB|PG\w*|POSTGRES\w*|DATABASE|SQL|REDIS|VALKEY|CACHE|CDN|CLOUDFRONT|PERFCTL)(?:_|$)", re.IGNORECASE
)
_WEAKENING = re.compile(r"[?&](?:sslmode=(?:disable|allow|prefer)|ssl_cert_reqs|ssl_check_hostname|ssl_m(?:in|ax)_)")
_HINT = "move it to your own file, or name this one with --config"


def static_faults(project: Document, trusted: Sequence[Document]) -> tuple[Fault, ...]:
    """What the file may not hold whatever the context is."""
    mine = {name for document in trusted for name in document.contexts}
    return (*_forbidden(project), *_touched(project, mine))


def current_fault(current: Given, chain: Sequence[str], trusted: Sequence[Document]) -> Fault | None:
    """A project file's `current` that names a context of the user's, or one that extends such a context."""
    mine = [name for name in chain if any(name in document.contexts for document in trusted)]
    if current.source.kind != "project" or not mine:
        return None
    by = "" if current.value in mine else f", which {current.value!r} extends"
    message = f"current: a project file may not choose your context {mine[-1]!r}{by}"
    return Fault(current.source.where, message, f"choose it yourself: -c {current.value}")


def effective_faults(
    settings: Settings, layer: Layer, *, without: Layer, alone: Settings, is_mine: bool, folder: Path
) -> tuple[Fault, ...]:
    """What the file may not do in this context.

    `layer` and `settings` are the whole, `without` and `alone` the same without the project file; `is_mine` says that
    the user's files know the context; `folder` is the project's.
    """
    return (
        *_unprotected(layer, without),
        *_weakened(settings, layer, alone),
        *_redirected(layer, without, alone, is_mine=is_mine),
        *_exfiltrated(settings, layer, is_mine=is_mine, folder=folder),
    )


def is_remote(settings: Settings, section: str) -> bool:
    """Whether the section's address is another machine."""
    if section == "database":
        replicas = [host for dsn in settings.database.replica_dsns for host in hosts_of(dsn)]
        return not settings.database.is_local or not all(is_local(host) for host in replicas)
    return section == "cache" and not all(is_local(host) for host in _cache_hosts(settings.cache))


def _forbidden(project: Document) -> Iterator[Fault]:
    from urllib.parse import unquote

    for key, given in _everything(project):
        for secret in _secrets_in(given.value):
            if secret.kind in _USERS_RIGHTS:
                message = f"{key}: a project file may not hold {{{secret.kind}}}"
                yield Fault(secret.where or given.source.where, message, _HINT)
        if key == "database.sslmode" and given.value in ("disable", "allow"):
            yield Fault(given.source.where, f"{key}: a project file may not weaken TLS to {given.value!r}", _HINT)
        if key == "api.host" and not is_local(given.value):
            yield Fault(given.source.where, f"{key}: a project file may not open the API to other machines", _HINT)
        if given.value == "pickle":
            yield Fault(given.source.where, f"{key}: a project file may not choose pickle", _HINT)
        for text in given.value if isinstance(given.value, tuple) else (given.value,):
            if isinstance(text, str) and _WEAKENING.search(unquote(text)):
                yield Fault(given.source.where, f"{key}: a project file may not weaken TLS in a URL", _HINT)


def _touched(project: Document, mine: set[str]) -> Iterator[Fault]:
    for name in mine & project.contexts.keys():
        part = project.contexts[name]
        touched = [(key, part.given[key]) for key in ("protected", "read_only") if key in part.given]
        for key, given in [*touched, *([("extends", part.extends)] if part.extends else [])]:
            yield Fault(given.source.where, f"{key}: a project file may not touch your context {name!r}", _HINT)


def _unprotected(layer: Layer, without: Layer) -> Iterator[Fault]:
    for key in ("protected", "read_only"):
        given, mine = layer.get(key), without.get(key)
        if given and given.source.kind == "project" and mine and mine.value and not given.value:
            yield Fault(given.source.where, f"{key}: a project file may not take it from your context", _HINT)


def _weakened(settings: Settings, layer: Layer, alone: Settings) -> Iterator[Fault]:
    tls = layer.get("cache.tls_enabled")
    if tls and tls.source.kind == "project" and not tls.value and alone.cache.tls_enabled:
        yield Fault(tls.source.where, "cache.tls_enabled: a project file may not switch TLS off", _HINT)
    elif alone.cache.uses_tls and not settings.cache.uses_tls and is_remote(settings, "cache"):
        for key in ("cache.redis_url", "cache.redis_host"):
            if key in layer and layer[key].source.kind == "project":
                yield Fault(layer[key].source.where, f"{key}: a project file may not switch TLS off", _HINT)
    given = layer.get("database.sslmode") or layer.get("database.dsn")
    mode, least = settings.database.effective_sslmode, _least_sslmode(settings, alone)
    if given and given.source.kind == "project" and _is_weaker(mode, least):
        message = f"database.sslmode: a project file may not weaken TLS from {least!r} to {mode!r}"
        yield Fault(given.source.where, message, _HINT)


def _least_sslmode(settings: Settings, alone: Settings) -> SSLMode:
    """What the user's files give, else what is the default for the server in force."""
    database = alone.database
    is_given = database.sslmode or (database.dsn and "sslmode=" in database.dsn)
    return database.effective_sslmode if is_given else ("prefer" if settings.database.is_local else "require")


def _is_weaker(mode: SSLMode, least: SSLMode) -> bool:
    return SSL_MODES.index(mode) < SSL_MODES.index(least)


def _redirected(layer: Layer, without: Layer, alone: Settings, *, is_mine: bool) -> Iterator[Fault]:
    """Addresses, secrets and accounts of the project where something of the user's is at stake."""
    for key, given in layer.items():
        section, _, name = key.partition(".")
        role = every_field()[key].role
        if given.source.kind != "project" or role not in _SENSITIVE:
            continue
        if role == "guard" and (not is_mine or given.value == getattr(getattr(alone, section), name)):
            continue
        stake = _stake(section, without, is_mine=is_mine)
        if stake is None and role == "path":
            stake = _server_of_the_users(section, layer)
        if stake is not None:
            message = f"{key}: a project file may not set it, as {stake}"
            yield Fault(given.source.where, message, _HINT)


def _stake(section: str, without: Layer, *, is_mine: bool) -> str | None:
    """What of the user's would go to the project's address; None where nothing would."""
    for key, given in without.items():
        if key.partition(".")[0] != section or section == "api":
            continue
        role = every_field()[key].role
        if role in ("secret", "account") and given.source.kind in ("user", "explicit"):
            return f"{key} is yours ({given.source.where})"
        if is_mine and role in ("secret", "account", "address") and given.source.kind != "ambient":
            return f"your context has {key} ({given.source.where})"
    return None


def _server_of_the_users(section: str, layer: Layer) -> str | None:
    """The address in force, where the project did not give it: whom to believe there is not the project's to say."""
    names = ("host", "dsn") if section == "database" else ("redis_url", "redis_host", "sentinel_nodes", "cluster_nodes")
    for given in (layer[key] for name in names if (key := f"{section}.{name}") in layer):
        if given.source.kind != "project":
            return f"the server is yours ({given.source.where})"
    return None


def _exfiltrated(settings: Settings, layer: Layer, *, is_mine: bool, folder: Path) -> Iterator[Fault]:
    for key, given in layer.items():
        if given.source.kind != "project":
            continue
        for secret in _secrets_in(given.value):
            problem = _reference_fault(secret, is_mine, folder, is_remote(settings, key.partition(".")[0]))
            if problem:
                yield Fault(secret.where or given.source.where, f"{key}: {problem}", _HINT)


def _reference_fault(secret: Secret, is_mine: bool, folder: Path, is_elsewhere: bool) -> str | None:
    if is_mine and secret.kind in ("env", "file"):
        return "a project file may not give your context a secret"
    if secret.kind == "file" and not _is_inside(str(secret.target), folder):
        return "a project file may not read a file outside its folder"
    if secret.kind == "env" and is_elsewhere and not _MADE_FOR_THIS.search(str(secret.target)):
        return "a project file may not send this variable to another machine"
    return None


def _is_inside(path: str, folder: Path) -> bool:
    try:
        return Path(path).resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError):
        return False


def _everything(document: Document) -> Iterator[tuple[str, Given]]:
    yield from document.base.items()
    for part in document.contexts.values():
        yield from part.given.items()


def _secrets_in(value: Any) -> Iterator[Secret]:
    """The secret itself, or those inside a list of records."""
    if isinstance(value, Secret):
        yield value
    for item in value if isinstance(value, tuple) else ():
        for field in dataclasses.fields(item) if dataclasses.is_dataclass(item) else ():
            yield from _secrets_in(getattr(item, field.name))


def _cache_hosts(cache: CacheConfig) -> Iterator[str]:
    if cache.redis_host:
        yield cache.redis_host
    for url in (*([cache.redis_url] if cache.redis_url else []), *cache.replica_urls):
        yield from hosts_of(url)
    for node in (*cache.sentinel_nodes, *cache.cluster_nodes):
        yield node if node.startswith("[") else node.partition(":")[0]


def is_chosen_by_project(layer: Layer, database: DatabaseConfig) -> bool:
    """Whether a project file sends the database's connections to another machine."""
    given = layer.get("database.dsn") or layer.get("database.host")
    return given is not None and given.source.kind == "project" and not database.is_local
