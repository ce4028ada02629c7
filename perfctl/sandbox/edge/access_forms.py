"""One line of the access log in each of its forms: version 1, and version 2 as JSON or W3C."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType

from perfctl.cdn.delivery.behaviours import NO_LOG, LogSettings
from perfctl.cdn.delivery.headers import Headers
from perfctl.sandbox.edge.http import Request
from perfctl.sandbox.edge.identity import ACCOUNT

FIELDS = (
    "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) "
    "cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken "
    "x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type cs-protocol-version fle-status "
    "fle-encrypted-fields c-port time-to-first-byte x-edge-detailed-result-type sc-content-type sc-content-len "
    "sc-range-start sc-range-end"
)
MORE_FIELDS = "timestamp(ms) origin-fbl origin-lbl asn c-country cache-behavior-path-pattern"
"""What version 2 has beside them."""
ALL_FIELDS = (*FIELDS.split(), *MORE_FIELDS.split())

_ESCAPES = {byte: f"%{byte:02X}" for byte in (*range(33), *range(127, 256), *b"<>\"#%{}|\\^~[]`'")}


@dataclass(frozen=True, slots=True)
class Record:
    """One request as it was answered."""

    at: float
    edge_location: str
    distribution_id: str
    domain: str
    request: Request
    status: int
    headers: Headers
    sent_bytes: int
    content_bytes: int
    took_seconds: float
    result: str
    detailed_result: str
    request_id: str
    country: str = "ZZ"
    protocol: str = "http"
    logging: LogSettings = NO_LOG
    pattern: str | None = None
    """The path pattern of its cache behaviour."""
    origin_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Form:
    """How a file begins, how a line looks, and in which folder the file lies."""

    head: str
    line: Callable[[Record], str]
    folder: Callable[[Record], str]
    follows_distribution: bool = False
    """Whether the distribution's `Logging` switches it."""


def line_of(record: Record) -> str:
    """The 33 fields of version 1, tab-separated, `-` for what there is not."""
    return "\t".join(escaped(field) for field in _values(record))


def form_of(name: str, fields: tuple[str, ...], folder: Callable[[Record], str]) -> Form:
    """Version 2 with these fields: `v2-json`, an object of texts a line, or `v2-w3c`."""

    def texts(record: Record) -> dict[str, str]:
        values = dict(zip(ALL_FIELDS, (*_values(record), *_more_values(record)), strict=True))
        return {field: escaped(values[field]) for field in fields}

    if name == "v2-json":
        return Form("", lambda record: json.dumps(texts(record), separators=(",", ":")), folder)
    head = f"#Version: 1.0\n#Fields: {' '.join(fields)}\n"
    return Form(head, lambda record: "\t".join(texts(record).values()), folder)


def escaped(field: object) -> str:
    """A value as the log writes it: control, space and unsafe bytes percent-encoded."""
    if field is None or field == "":
        return "-"
    return str(field).encode("latin-1", "replace").decode("latin-1").translate(_ESCAPES)


def _values(record: Record) -> tuple[object, ...]:
    request, moment = record.request, datetime.fromtimestamp(record.at, UTC)
    return (
        moment.strftime("%Y-%m-%d"),
        moment.strftime("%H:%M:%S"),
        record.edge_location,
        record.sent_bytes,
        request.client[0],
        request.method,
        record.domain,
        request.path,
        record.status,
        request.headers.get("referer"),
        request.headers.get("user-agent"),
        request.query,
        request.headers.get("cookie") if record.logging.includes_cookies else None,
        record.result,
        record.request_id,
        request.headers.get("host"),
        record.protocol,
        request.head_bytes + len(request.body),
        f"{record.took_seconds:.3f}",
        request.headers.get("x-forwarded-for"),
        None,
        None,
        record.result,
        request.version,
        None,
        None,
        request.client[1],
        f"{record.took_seconds:.3f}",
        record.detailed_result,
        record.headers.get("content-type"),
        record.content_bytes,
        *_range_of(record),
    )


def _more_values(record: Record) -> tuple[object, ...]:
    origin = None if record.origin_seconds is None else f"{record.origin_seconds:.3f}"
    return (int(record.at * 1000), origin, origin, None, record.country, record.pattern)


def _range_of(record: Record) -> tuple[str | None, str | None]:
    span = (record.headers.get("content-range") or "").removeprefix("bytes ").partition("/")[0]
    start, dash, end = span.partition("-")
    return (start, end) if dash else (None, None)


def safe_folder(path: str) -> str:
    """A prefix as folders below ours, whatever is in it."""
    parts = re.split(r"[/\\]+", path)
    return "/".join(part for part in parts if re.fullmatch(r"[A-Za-z0-9!_.*'()=-]{1,100}", part) and part.strip("."))


def _delivered(form: str) -> Callable[[Record], str]:
    return lambda record: f"{form}/AWSLogs/{ACCOUNT}/CloudFront"


FORMS: Mapping[str, Form] = MappingProxyType(
    {
        "v1": Form(
            f"#Version: 1.0\n#Fields: {FIELDS}\n",
            line_of,
            lambda record: safe_folder(record.logging.prefix),
            follows_distribution=True,
        ),
        "v2-json": form_of("v2-json", ALL_FIELDS, _delivered("v2-json")),
        "v2-w3c": form_of("v2-w3c", ALL_FIELDS, _delivered("v2-w3c")),
    }
)
"""The forms that the process can be asked for, by name."""
