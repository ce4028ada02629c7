"""An origin as an origin-request event shows it, and the one that a function asks for in its place."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from perfctl.cdn.delivery.behaviours import Origin

_LOOPBACK, _HERE = "127.0.0.1", "localhost"
"""An address is no name that a function may return, so that the sandbox's own origin is shown by its name."""


def origin_event(origin: Origin) -> dict[str, Any]:
    """The `origin` field of the event."""
    headers = {name.lower(): [{"key": name, "value": value}] for name, value in origin.headers}
    custom = {
        "customHeaders": headers,
        "domainName": _HERE if origin.domain == _LOOPBACK else origin.domain,
        "keepaliveTimeout": 5,
        "path": origin.path,
        "port": origin.port,
        "protocol": "https" if origin.is_https_only else "http",
        "readTimeout": origin.read_seconds,
        "sslProtocols": ["TLSv1.2"],
    }
    return {"custom": custom}


def changed_origin(origin: Origin, event: dict[str, Any] | None) -> Origin:
    """The origin that the function returned, as far as this edge can ask it: over HTTP."""
    shown = (event or {}).get("custom") or (event or {}).get("s3")
    if not isinstance(shown, dict) or shown == origin_event(origin)["custom"]:
        return origin
    domain = str(shown.get("domainName", ""))
    return replace(
        origin,
        domain=_LOOPBACK if domain == _HERE else domain,
        port=_number(shown.get("port"), 80),
        path=str(shown.get("path", "")),
        headers=_headers(shown.get("customHeaders")),
        read_seconds=_number(shown.get("readTimeout"), origin.read_seconds),
        is_https_only=shown.get("protocol") == "https",
    )


def _headers(fields: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(fields, dict):
        return ()
    return tuple(
        (str(pair.get("key") or name), str(pair.get("value", ""))) for name, pairs in fields.items() for pair in pairs
    )


def _number(value: object, default: int) -> int:
    return int(str(value)) if re.fullmatch(r"[0-9]{1,6}", str(value), re.ASCII) else default
