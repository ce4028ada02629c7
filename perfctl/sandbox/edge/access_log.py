"""CloudFront's standard access logs, version 1: gzip TSV with 33 fields, two header lines, new files all the time.

Format: CloudFront developer guide, "Configuring and using standard logs (access logs)".
"""

from __future__ import annotations

import gzip
import secrets
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from perfctl.cdn.delivery.headers import Headers
from perfctl.sandbox.edge.http import Request, logger

FIELDS = (
    "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) "
    "cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken "
    "x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type cs-protocol-version fle-status "
    "fle-encrypted-fields c-port time-to-first-byte x-edge-detailed-result-type sc-content-type sc-content-len "
    "sc-range-start sc-range-end"
)
MAX_LINES = 20_000
MAX_FILES = 2_000

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


class AccessLog:
    """Collects lines and writes them to `DISTRIBUTION.YYYY-MM-DD-HH.ID.gz` files in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lines: dict[tuple[str, str], list[str]] = defaultdict(list)

    def add(self, record: Record) -> None:
        hour = datetime.fromtimestamp(record.at, UTC).strftime("%Y-%m-%d-%H")
        lines = self._lines[record.distribution_id, hour]
        lines.append(line_of(record))
        if len(lines) >= MAX_LINES:
            self.flush()

    def flush(self) -> int:
        """Write what was collected, each file whole or not at all; returns how many files were written.

        Logs are best effort, here as at CloudFront: what cannot be written is dropped, and a warning says so.
        """
        written = 0
        while self._lines:
            (distribution_id, hour), lines = self._lines.popitem()
            try:
                self._write(self._folder / f"{distribution_id}.{hour}.{secrets.token_hex(4)}.gz", lines)
                self._forget_oldest()
                written += 1
            except OSError as error:
                logger.warning("%d lines of the access log are lost: %s", len(lines), error)
        return written

    def _write(self, path: Path, lines: list[str]) -> None:
        text = f"#Version: 1.0\n#Fields: {FIELDS}\n" + "".join(f"{line}\n" for line in lines)
        unfinished = path.with_suffix(".part")
        unfinished.write_bytes(gzip.compress(text.encode("ascii", "replace"), 6))
        unfinished.rename(path)

    def _forget_oldest(self) -> None:
        files = sorted(self._folder.glob("*.gz"), key=lambda path: path.stat().st_mtime)
        for path in files[: max(len(files) - MAX_FILES, 0)]:
            path.unlink(missing_ok=True)


def line_of(record: Record) -> str:
    """The 33 fields, tab-separated, `-` for what there is not."""
    request, moment = record.request, datetime.fromtimestamp(record.at, UTC)
    fields: tuple[object, ...] = (
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
        request.headers.get("cookie"),
        record.result,
        record.request_id,
        request.headers.get("host"),
        "http",
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
    return "\t".join(escaped(field) for field in fields)


def escaped(field: object) -> str:
    """A value as the log writes it: control, space and unsafe bytes percent-encoded."""
    if field is None or field == "":
        return "-"
    return str(field).encode("latin-1", "replace").decode("latin-1").translate(_ESCAPES)


def _range_of(record: Record) -> tuple[str | None, str | None]:
    span = (record.headers.get("content-range") or "").removeprefix("bytes ").partition("/")[0]
    start, dash, end = span.partition("-")
    return (start, end) if dash else (None, None)
