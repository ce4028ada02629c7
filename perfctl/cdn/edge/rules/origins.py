"""What an origin-request function may make of the origin."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from perfctl.cdn.edge.header_rules import is_disallowed, of_name, of_value
from perfctl.cdn.edge.model import EdgeFunction, Event

SSL_PROTOCOLS = ("TLSv1.2", "TLSv1.1", "TLSv1", "SSLv3")

_IPV4 = re.compile(r"\d{1,3}(\.\d{1,3}){3}")
_BROKEN = re.compile(r"[\x00-\x20\x7f]")


def of_origin(function: EdgeFunction, result: Event, was: Event) -> Iterator[str]:
    """The rules of an origin that the function changed."""
    if function.trigger != "origin-request":
        yield f"it set an origin: that is for origin-request, not for {function.trigger}"
        return
    origin = result.get("origin")
    if not isinstance(origin, dict) or not origin.keys() & {"custom", "s3"}:
        yield "origin is not an object with custom or s3"
    elif {"custom", "s3"} <= origin.keys():
        yield "origin has both custom and s3: a request has one of them"
    else:
        kind = "custom" if "custom" in origin else "s3"
        fields = origin[kind]
        if not isinstance(fields, dict):
            yield f"origin.{kind} is not an object"
            return
        yield from _custom(fields) if kind == "custom" else _s3(fields)
        yield from _path(kind, fields.get("path", ""))
        yield from _custom_headers(kind, fields.get("customHeaders", {}), result.get("headers", {}))


def _custom(origin: Event) -> Iterator[str]:
    domain = origin.get("domainName")
    if not isinstance(domain, str) or not domain:
        yield "origin.custom.domainName is empty"
    elif ":" in domain or _IPV4.fullmatch(domain) or _BROKEN.search(domain):
        yield f"origin.custom.domainName is {domain[:80]!r}: a name, without a port, no address"
    elif len(domain) > 253:
        yield "origin.custom.domainName is longer than 253 characters"
    port = origin.get("port")
    if not (_is_between(port, 1024, 65535) or _is_between(port, 80, 80) or _is_between(port, 443, 443)):
        yield f"origin.custom.port is {port!r}: it is 80, 443 or from 1024 to 65535"
    if origin.get("protocol") not in ("http", "https"):
        yield f"origin.custom.protocol is {origin.get('protocol')!r}: there are 'http' and 'https'"
    for name, low, high in (("readTimeout", 1, 120), ("keepaliveTimeout", 1, 120)):
        seconds = origin.get(name)
        if not _is_between(seconds, low, high):
            yield f"origin.custom.{name} is {seconds!r}: it is from {low} to {high} seconds"
    protocols = origin.get("sslProtocols")
    if not isinstance(protocols, list) or not protocols or any(one not in SSL_PROTOCOLS for one in protocols):
        yield f"origin.custom.sslProtocols is {protocols!r}: an array of {', '.join(SSL_PROTOCOLS)}"


def _s3(origin: Event) -> Iterator[str]:
    domain = origin.get("domainName")
    if (
        not isinstance(domain, str)
        or not domain
        or domain != domain.lower()
        or len(domain) > 128
        or _BROKEN.search(domain)
    ):
        yield f"origin.s3.domainName is {domain!r}: a bucket's name in lower case, of at most 128 characters"
    method = origin.get("authMethod")
    if method not in ("origin-access-identity", "none"):
        yield f"origin.s3.authMethod is {method!r}: there are 'origin-access-identity' and 'none'"
    elif method == "origin-access-identity" and not origin.get("region"):
        yield "origin.s3.region is empty: it is needed with authMethod 'origin-access-identity'"


def _path(kind: str, path: Any) -> Iterator[str]:
    if not isinstance(path, str):
        yield f"origin.{kind}.path is not a string"
    elif path and (not path.startswith("/") or path.endswith("/")):
        yield f"origin.{kind}.path is {path[:80]!r}: it begins with a slash and does not end with one"
    elif _BROKEN.search(path):
        yield f"origin.{kind}.path is {path[:80]!r}: it holds a space or a control character"
    elif len(path) > 255:
        yield f"origin.{kind}.path is longer than 255 characters"


def _custom_headers(kind: str, headers: Any, sent: Any) -> Iterator[str]:
    if not isinstance(headers, dict):
        yield f"origin.{kind}.customHeaders is not an object"
        return
    for name, pairs in headers.items():
        yield from of_name(name)
        if is_disallowed(name):
            yield f"origin.{kind}.customHeaders sets {name}, which edge functions may not set"
        elif isinstance(sent, dict) and name.lower() in sent:
            yield f"origin.{kind}.customHeaders sets {name}, which stands in the request's headers, too"
        if not isinstance(pairs, list) or not all(isinstance(pair, dict) for pair in pairs):
            yield f"origin.{kind}.customHeaders.{name} is not an array of {{key, value}}"
            continue
        for pair in pairs:
            yield from of_value(name, pair.get("value"))
            if str(pair.get("key") or name).lower() != name.lower():
                yield f"origin.{kind}.customHeaders.{name} has the key {pair['key']!r}: they differ by case alone"


def _is_between(value: Any, low: int, high: int) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
