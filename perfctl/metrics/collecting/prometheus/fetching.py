"""One GET of a page of metrics: bounded in size and time, from the address that is named and from nowhere else."""

from __future__ import annotations

import asyncio
import base64
import ssl
import zlib
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from perfctl.errors import AuthError, ConfigError, ServiceError, UnreachableError

MOST_BYTES = 16_000_000
"""A page of 150,000 samples. What is longer is refused: half of it would be wrong figures."""
_MOST_HEAD = 64_000
_PIECE = 65_536
_ACCEPT = "text/plain;version=0.0.4,application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1"


class Address(NamedTuple):
    """Where to ask. Its text holds no password."""

    host: str
    port: int
    is_tls: bool
    target: str
    authorization: str | None

    def __str__(self) -> str:
        scheme = "https" if self.is_tls else "http"
        return f"{scheme}://{self.host}:{self.port}{self.target.partition('?')[0]}"


def address_of(url: str) -> Address:
    """The address of a URL; `/metrics` where it has no path. ConfigError for what is no http(s) URL."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if parts.scheme not in ("http", "https") or not host or not all("!" <= each <= "~" for each in url):
        raise ConfigError(
            "metrics.prometheus_url is no http or https address", hint="write it as http://app.example:8000/metrics"
        )
    is_tls = parts.scheme == "https"
    target = (parts.path or "/metrics") + (f"?{parts.query}" if parts.query else "")
    said = f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else None
    basic = f"Basic {base64.b64encode(said.encode()).decode()}" if said else None
    return Address(host, port or (443 if is_tls else 80), is_tls, target, basic)


async def fetch(address: Address, *, limit_seconds: float, most_bytes: int = MOST_BYTES) -> str:
    """The page's text. UnreachableError, AuthError and ServiceError say what stood in the way.

    The limit is that of everything together: a server that sends a byte a second is left at its end. A redirect is an
    error: figures of a stranger would be no better than none.
    """
    try:
        async with asyncio.timeout(limit_seconds):
            return await _fetch(address, most_bytes)
    except TimeoutError:
        raise UnreachableError(
            f"{address} did not finish its page within {limit_seconds:g} s", hint="--timeout gives it longer"
        ) from None
    except ssl.SSLError as error:
        raise UnreachableError(
            f"{address}: {error.reason or error}", hint="is it http, or another certificate?"
        ) from error
    except (OSError, asyncio.IncompleteReadError) as error:
        raise UnreachableError(f"{address} cannot be read: {_reason(error)}") from error


async def _fetch(address: Address, most_bytes: int) -> str:
    context = ssl.create_default_context() if address.is_tls else None
    reader, writer = await asyncio.open_connection(address.host, address.port, ssl=context, limit=_MOST_HEAD)
    try:
        writer.write(_request(address))
        await writer.drain()
        status, headers = await _head(reader, address)
        _judge(status, headers, address)
        body = await _body(reader, headers, address, most_bytes)
    finally:
        writer.close()
        with suppress(OSError, ssl.SSLError, TimeoutError):
            async with asyncio.timeout(0.2):
                await writer.wait_closed()
    return _text(_unpacked(body, headers, address, most_bytes), address)


def _request(address: Address) -> bytes:
    host = f"[{address.host}]" if ":" in address.host else address.host
    lines = [
        f"GET {address.target} HTTP/1.1",
        f"Host: {host}:{address.port}",
        f"Accept: {_ACCEPT}",
        "Accept-Encoding: gzip",
        "User-Agent: perfctl",
        "Connection: close",
    ]
    if address.authorization:
        lines.append(f"Authorization: {address.authorization}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


async def _head(reader: asyncio.StreamReader, address: Address) -> tuple[int, dict[str, str]]:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.LimitOverrunError:
        raise ServiceError(f"{address} answers with an endless head: it is no page of metrics") from None
    first, *lines = head.split("\r\n")
    words = first.split(" ", 2)
    if len(words) < 2 or not words[0].startswith("HTTP/") or not words[1].isdigit():
        raise ServiceError(f"{address} does not speak HTTP")
    pairs = (line.partition(":") for line in lines if ":" in line)
    return int(words[1]), {name.strip().lower(): value.strip() for name, _, value in pairs}


def _judge(status: int, headers: dict[str, str], address: Address) -> None:
    if 300 <= status < 400:
        raise ServiceError(
            f"{address} redirects to {headers.get('location', 'elsewhere')[:200]!r}, which is not followed",
            hint="set metrics.prometheus_url to where the metrics are",
        )
    if status in (401, 403):
        raise AuthError(f"{address} answers {status}", hint="name a user in it: http://user:password@host/metrics")
    if status >= 500:
        raise UnreachableError(f"{address} answers {status}")
    if status != 200:
        raise ServiceError(f"{address} answers {status}", hint="is that where the metrics are?")


async def _body(reader: asyncio.StreamReader, headers: dict[str, str], address: Address, most_bytes: int) -> bytes:
    if "chunked" in headers.get("transfer-encoding", "").lower():
        return await _chunks(reader, address, most_bytes)
    length = headers.get("content-length", "")
    if length.isdigit():
        if int(length) > most_bytes:
            raise _too_long(address, most_bytes)
        return await reader.readexactly(int(length))
    body = bytearray()
    while piece := await reader.read(_PIECE):
        body += piece
        if len(body) > most_bytes:
            raise _too_long(address, most_bytes)
    return bytes(body)


async def _chunks(reader: asyncio.StreamReader, address: Address, most_bytes: int) -> bytes:
    body = bytearray()
    while True:
        line = (await reader.readline()).partition(b";")[0].strip()
        try:
            size = int(line, 16)
        except ValueError:
            raise ServiceError(f"{address} breaks off in the middle of its page") from None
        if size <= 0:
            return bytes(body)
        if len(body) + size > most_bytes:
            raise _too_long(address, most_bytes)
        body += await reader.readexactly(size)
        await reader.readline()


def _unpacked(body: bytes, headers: dict[str, str], address: Address, most_bytes: int) -> bytes:
    """A few kilobytes may unpack to gigabytes: no more than the limit is unpacked."""
    coding = headers.get("content-encoding", "identity").lower()
    if coding in ("identity", ""):
        return body
    if coding not in ("gzip", "x-gzip"):
        raise ServiceError(f"{address} sends its page as {coding[:40]!r}, which was not asked for")
    inflating = zlib.decompressobj(wbits=31)
    try:
        plain = inflating.decompress(body, most_bytes + 1)
    except zlib.error as error:
        raise ServiceError(f"{address} sends broken gzip: {error}") from error
    if len(plain) > most_bytes:
        raise _too_long(address, most_bytes)
    return plain


def _text(body: bytes, address: Address) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        raise ServiceError(f"{address} is no text: not a page of metrics") from None


def _too_long(address: Address, most_bytes: int) -> ServiceError:
    return ServiceError(
        f"{address} has more than {most_bytes / 1e6:g} MB of metrics: they are not read",
        hint="name a page with fewer, or a filter of it (?name[]=...)",
    )


def _reason(error: Exception) -> str:
    if isinstance(error, asyncio.IncompleteReadError):
        return "the connection ended in the middle of the page"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
