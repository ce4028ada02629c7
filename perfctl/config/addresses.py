"""URLs of Redis, PostgreSQL and HTTP services as settings: their form, and changing one part of one."""

from __future__ import annotations

import re
from collections.abc import Mapping

from perfctl.config.secret import has_password, split_password
from perfctl.config.settings import SSL_MODES

_SCHEMES: Mapping[str, tuple[str, ...]] = {
    "cache.redis_url": ("redis", "rediss", "valkey", "valkeys", "unix"),
    "cache.replica_urls": ("redis", "rediss", "valkey", "valkeys", "unix"),
    "database.dsn": ("postgresql", "postgres"),
    "database.replica_dsns": ("postgresql", "postgres"),
    "cdn.endpoint_url": ("http", "https"),
    "cdn.edge_url": ("http", "https"),
}
_HOSTS = ("cache.redis_host", "database.host", "api.host")
_NODES = ("cache.sentinel_nodes", "cache.cluster_nodes", "cdn.origin_domain")
_HOST = re.compile(r"[A-Za-z0-9_.\-]+|\[?[0-9A-Fa-f:.%]+\]?|[/@][^\0]*")
_PORT = re.compile(r":\d*$")
_ELSEWHERE = re.compile(r"(?:^|&)(service|servicefile|passfile)=", re.IGNORECASE)
"""What would let the driver read addresses and passwords past the configuration, and past its rules for TLS."""
_SSLMODE = re.compile(r"(?:^|&)sslmode=([^&]*)")
_NODE = re.compile(r"(?:[A-Za-z0-9_.\-]+|\[[0-9A-Fa-f:.%]+\])(?::(\d{1,5}))?")


def address_fault(key: str, text: str) -> tuple[str, str] | None:
    """What is wrong with the form of an address, and what to write; None where nothing is, or it is no address.

    `key` may stand in a context: `contexts.prod.cache.redis_url`.
    """
    name = ".".join(key.partition("[")[0].split(".")[-2:])
    if name in _SCHEMES:
        return _url_fault(text, _SCHEMES[name])
    if name in _HOSTS and not all(_HOST.fullmatch(host) for host in text.split(",")):
        return "is not a host name or address", "write the host alone: no scheme, port or path"
    if name in _NODES and not _is_node(text):
        return "is not a host or host:port", "write for example cache-1.internal:6379"
    return None


def without_password(url: str) -> tuple[str, str | None]:
    """The URL without the password in front of its host or in its query, and that password.

    >>> without_password("postgresql://db.internal/app?password=x&sslmode=require")
    ('postgresql://db.internal/app?sslmode=require', 'x')
    """
    from urllib.parse import parse_qsl, urlencode

    plain, password = split_password(url)
    base, question, query = plain.partition("?")
    pairs = parse_qsl(query, keep_blank_values=True)
    kept = [pair for pair in pairs if pair[0] != "password"]
    if not question or len(kept) == len(pairs):
        return plain, password
    in_query = next(value for name, value in pairs if name == "password")
    return base + (f"?{urlencode(kept)}" if kept else ""), password or in_query or None


def user_of(url: str) -> str | None:
    """The user in a URL, decoded."""
    from urllib.parse import unquote, urlsplit

    return unquote(urlsplit(url).username or "") or None


def with_parts(url: str, changes: Mapping[str, str]) -> str:
    """The URL with another `host`, `port`, `database` or `username`.

    >>> with_parts("postgresql://app@db.internal/app", {"port": "6432", "username": "me"})
    'postgresql://me@db.internal:6432/app'
    """
    from urllib.parse import quote, urlsplit, urlunsplit

    parts = urlsplit(url)
    userinfo, _, place = parts.netloc.rpartition("@")
    if "host" in changes:
        host = changes["host"]
        place = (f"[{host}]" if ":" in host else quote(host, safe=",")) + "".join(_PORT.findall(place)[:1])
    if "port" in changes:
        place = f"{_PORT.sub('', place)}:{changes['port']}"
    if "username" in changes:
        userinfo = quote(changes["username"], safe="")
    path = f"/{quote(changes['database'], safe='')}" if "database" in changes else parts.path
    netloc = f"{userinfo}@{place}" if userinfo else place
    return urlunsplit((parts.scheme, netloc, path, parts.query, parts.fragment))


def _url_fault(text: str, schemes: tuple[str, ...]) -> tuple[str, str] | None:
    from urllib.parse import unquote, urlsplit

    accepted = " or ".join(f"{scheme}://" for scheme in schemes)
    example = f"write {schemes[0]}://host:port/..."
    try:
        parts = urlsplit(without_password(text)[0])
        ports = [place.rpartition(":")[2] for place in parts.netloc.rpartition("@")[2].split(",") if ":" in place]
    except ValueError:
        return "is not a URL", example
    if parts.scheme not in schemes:
        return f"is not a {accepted} URL", example
    if schemes == ("http", "https") and has_password(text):
        return "holds a password", "leave it out: nothing asks for one here"
    if schemes[0] == "postgresql" and (elsewhere := _ELSEWHERE.search(unquote(parts.query))):
        return f"names a {elsewhere[1]}", "PGSERVICE and PGPASSFILE name those"
    if schemes[0] == "postgresql" and not set(_SSLMODE.findall(parts.query)) <= set(SSL_MODES):
        return "has an sslmode that there is not", f"it is one of {', '.join(SSL_MODES)}"
    if any(port.isdigit() and not 0 < int(port[:9]) < 65536 for port in ports):
        return "has a port outside 1 to 65535", example
    has_place = bool(parts.netloc.rpartition("@")[2] or parts.path.strip("/") or parts.query)
    return None if has_place and " " not in text else ("names no host" if not has_place else "holds a blank", example)


def _is_node(text: str) -> bool:
    match = _NODE.fullmatch(text)
    return match is not None and (match.group(1) is None or 0 < int(match.group(1)) < 65536)
