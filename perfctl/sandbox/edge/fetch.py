"""One request to an origin, over plain HTTP/1.1."""

from __future__ import annotations

import asyncio
import contextlib
import re
from dataclasses import dataclass
from urllib.parse import quote

from perfctl.cdn.delivery.behaviours import Origin
from perfctl.cdn.delivery.headers import Headers, tokens
from perfctl.sandbox.edge.http import MAX_HEAD_BYTES, BadRequestError, has_body, read_chunked

MAX_OBJECT_BYTES = 64 * 1024 * 1024

_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: [^\r\n]*)?")
_PRINTABLE = "".join(map(chr, range(0x21, 0x7F)))
"""What stands in a request line as it is; a function may return a URI that holds more."""
_FIELD = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([^\x00\r\n]*)")


class OriginError(Exception):
    """The origin gave no usable answer; `status` is what the viewer gets, `detail` the log's word for it."""

    is_kept = True
    """Whether the error is held for a while, as any error of an origin."""

    def __init__(self, status: int, detail: str, text: str | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.text = text or f"CloudFront could not get an answer from the origin ({detail})."


@dataclass(frozen=True, slots=True)
class Ask:
    """What is sent to the origin; its own path and headers come on top."""

    method: str
    path: str
    query: str
    headers: Headers
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class OriginAnswer:
    """What came back, whole."""

    status: int
    headers: Headers
    body: bytes
    length: int | None
    """Content-Length, when it was sent."""
    origin_status: int = 0
    """What the origin said, whatever a function made of it."""
    made_by: str | None = None
    """`LambdaGeneratedResponse`, when a function answered in the origin's place."""


async def fetch(origin: Origin, ask: Ask) -> OriginAnswer:
    """Ask the origin, trying to connect as often as its settings say. OriginError for anything but an answer."""
    if origin.is_https_only:
        raise OriginError(502, "OriginConnectError")
    reader, writer = await _connect(origin)
    try:
        async with asyncio.timeout(origin.read_seconds):
            writer.write(_written(origin, ask))
            return await _read(reader, ask.method)
    except TimeoutError:
        raise OriginError(504, "OriginReadTimeout") from None
    except (OSError, EOFError, asyncio.LimitOverrunError, BadRequestError):
        raise OriginError(502, "OriginCommError") from None
    finally:
        with contextlib.suppress(OSError, RuntimeError):
            writer.close()


async def _connect(origin: Origin) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    failure = OriginError(502, "OriginConnectError")
    for _ in range(max(origin.attempts, 1)):
        try:
            async with asyncio.timeout(origin.connect_seconds):
                return await asyncio.open_connection(origin.domain, origin.port, limit=MAX_HEAD_BYTES)
        except TimeoutError:
            failure = OriginError(504, "OriginConnectError")
        except (OSError, UnicodeError):
            failure = OriginError(502, "OriginConnectError")
    raise failure


def _written(origin: Origin, ask: Ask) -> bytes:
    target = quote(origin.path + ask.path + (f"?{ask.query}" if ask.query else ""), safe=_PRINTABLE)
    lines = [f"{ask.method} {target} HTTP/1.1"]
    fields = ask.headers.overlaid(Headers(origin.headers)).without("content-length", "connection", "transfer-encoding")
    lines += [f"{name}: {value}" for name, value in fields]
    if ask.body or ask.method in ("POST", "PUT", "PATCH"):
        lines.append(f"Content-Length: {len(ask.body)}")
    lines.append("Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace") + ask.body


async def _read(reader: asyncio.StreamReader, method: str) -> OriginAnswer:
    status, headers = await _read_head(reader)
    while 100 <= status < 200:
        status, headers = await _read_head(reader)
    length = _length(headers)
    if method == "HEAD" or not has_body(status):
        return OriginAnswer(status, headers, b"", length)
    if "chunked" in tokens(headers.get("transfer-encoding")):
        return OriginAnswer(status, headers, await read_chunked(reader, MAX_OBJECT_BYTES), None)
    if length is None:
        return OriginAnswer(status, headers, await _until_end(reader), None)
    if length > MAX_OBJECT_BYTES:
        raise OriginError(502, "OriginObjectTooLarge")
    return OriginAnswer(status, headers, await reader.readexactly(length), length)


async def _read_head(reader: asyncio.StreamReader) -> tuple[int, Headers]:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head[:-4].split(b"\r\n")
    match = _STATUS_LINE.fullmatch(first)
    fields = [_FIELD.fullmatch(line) for line in lines]
    if match is None or None in fields:
        raise OriginError(502, "OriginCommError")
    decoded = ((field[1].decode(), field[2].decode("latin-1").strip(" \t")) for field in fields if field is not None)
    return int(match[1]), Headers(tuple(decoded))


def _length(headers: Headers) -> int | None:
    lengths = set(headers.all("content-length"))
    if not lengths:
        return None
    text = lengths.pop()
    if lengths or not re.fullmatch(r"[0-9]{1,15}", text, re.ASCII):
        raise OriginError(502, "OriginCommError")
    return int(text)


async def _until_end(reader: asyncio.StreamReader) -> bytes:
    body = bytearray()
    while piece := await reader.read(65536):
        body += piece
        if len(body) > MAX_OBJECT_BYTES:
            raise OriginError(502, "OriginObjectTooLarge")
    return bytes(body)
