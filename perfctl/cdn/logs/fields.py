"""The names of an access log's fields: CloudFront's order of them, and one spelling for each."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

STANDARD = (
    "date",
    "time",
    "x-edge-location",
    "sc-bytes",
    "c-ip",
    "cs-method",
    "cs(Host)",
    "cs-uri-stem",
    "sc-status",
    "cs(Referer)",
    "cs(User-Agent)",
    "cs-uri-query",
    "cs(Cookie)",
    "x-edge-result-type",
    "x-edge-request-id",
    "x-host-header",
    "cs-protocol",
    "cs-bytes",
    "time-taken",
    "x-forwarded-for",
    "ssl-protocol",
    "ssl-cipher",
    "x-edge-response-result-type",
    "cs-protocol-version",
    "fle-status",
    "fle-encrypted-fields",
    "c-port",
    "time-to-first-byte",
    "x-edge-detailed-result-type",
    "sc-content-type",
    "sc-content-len",
    "sc-range-start",
    "sc-range-end",
)
"""Those of standard logging, in order (Amazon CloudFront Developer Guide, "Standard log file fields")."""

FEWEST = 12
"""Older standard logs have fewer of them; with less there is no request to tell."""

_COMMON = ("date", "time")
"""Names that other files have, too."""
_BETWEEN = re.compile(r"[^a-z0-9]+")


@lru_cache(maxsize=1_000)
def spelled(name: str) -> str:
    """One spelling for a field in whichever log: standard, v2, or Athena's with underscores.

    >>> spelled("cs(User-Agent)"), spelled("cs_user_agent"), spelled("x_edge_location")
    ('cs-user-agent', 'cs-user-agent', 'x-edge-location')
    """
    return _BETWEEN.sub("-", name.lower()).strip("-")


def tells_of_requests(names: Iterable[str]) -> bool:
    """Whether one of these names, as they are spelled here, is a field of access logs alone.

    >>> tells_of_requests(("date", "sc-status")), tells_of_requests(("date", "url"))
    (True, False)
    """
    return not _fields().isdisjoint(names)


@lru_cache(maxsize=1)
def _fields() -> frozenset[str]:
    return frozenset(spelled(name) for name in STANDARD) - {*_COMMON} | {"timestamp-ms"}


def named(directive: bytes) -> tuple[str, ...]:
    """The fields of a `#Fields:` line, as they are spelled here.

    >>> named(b"#Fields: date cs(Host)")
    ('date', 'cs-host')
    """
    words = directive.partition(b":")[2].decode("utf-8", "replace").split()
    return tuple(spelled(word) for word in words)


def without_directive(line: bytes) -> tuple[str, ...]:
    """The fields of a standard log whose header is gone, from its first line; none where it is no such log."""
    values = line.split(b"\t")
    looks_like_one = FEWEST <= len(values) <= len(STANDARD) and re.fullmatch(rb"\d{4}-\d\d-\d\d", values[0])
    return tuple(spelled(name) for name in STANDARD[: len(values)]) if looks_like_one else ()
