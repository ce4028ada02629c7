"""Looking through the edge as a viewer does: GETs to the distribution's own names, and to no other host."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from perfctl.calls import begun, ended
from perfctl.cdn.background import in_background
from perfctl.cdn.edge_words import age_seconds, cache_state
from perfctl.cdn.model.edge import EdgeAnswer
from perfctl.errors import PerfctlError, ServiceError, TimedOutError, UnreachableError, UsageError

VIEWERS_ENCODINGS = "br, gzip"
_CHUNK_BYTES = 1 << 16
_HEADER_VALUE = re.compile(r"[ -~]*")
_NOT_SENT = re.compile(rb"[^!-~]|[\"<>`{}#]")


@dataclass(frozen=True, slots=True)
class Target:
    """Where a GET goes: which server is spoken to, which name is asked for, which path."""

    scheme: str
    host: str
    port: int | None
    host_header: str | None
    """Another name than the server's, where the edge stands in for it."""
    path: str

    @property
    def url(self) -> str:
        """The URL as a viewer would write it."""
        port = f":{self.port}" if self.port else ""
        return f"{self.scheme}://{self.host_header or self.host + port}{self.path}"


@dataclass(frozen=True, slots=True)
class Viewer:
    """One edge, and the names that it answers to."""

    edge_url: str
    names: tuple[str, ...] = ()
    stands_in: bool = False
    """Whether this edge answers for all names; else each name is spoken to itself."""
    timeout_seconds: float = 10.0

    def target(self, url_or_path: str) -> Target:
        """Where to look. UsageError for a host that is not the distribution's: nothing is sent to strangers."""
        edge = _split(self.edge_url)
        base = edge.path.rstrip("/")
        if url_or_path.startswith("/"):
            return Target(edge.scheme, edge.hostname or "", edge.port, None, base + _path(url_or_path))
        url = _split(url_or_path)
        path = _path(_path_of(url))
        if (url.hostname, url.port) == (edge.hostname, edge.port):
            return Target(edge.scheme, edge.hostname or "", edge.port, None, path)
        if not any(_is_named(url.hostname, name) for name in self.names):
            known = ", ".join(dict.fromkeys((edge.netloc, *self.names)))
            raise UsageError(f"{url_or_path!r}: not a name of the distribution", hint=f"it answers to {known}")
        if not self.stands_in:
            return Target(url.scheme, url.hostname or "", url.port, None, path)
        return Target(edge.scheme, edge.hostname or "", edge.port, url.hostname, path)

    async def look(self, url_or_path: str, *, accept_encoding: str = VIEWERS_ENCODINGS) -> EdgeAnswer:
        """GET it through the edge, the whole body, and say what the cache did. Redirects are not followed."""
        return (await self.read(url_or_path, accept_encoding=accept_encoding, keep_bytes=0))[0]

    async def read(
        self,
        url_or_path: str,
        *,
        accept_encoding: str = VIEWERS_ENCODINGS,
        headers: Mapping[str, str] | None = None,
        keep_bytes: int,
    ) -> tuple[EdgeAnswer, bytes]:
        """The same, and the first `keep_bytes` of the body as they came; `headers` go out beside the usual ones."""
        target = self.target(url_or_path)
        if not _HEADER_VALUE.fullmatch(accept_encoding):
            raise UsageError(f"accept encoding {accept_encoding!r} cannot stand in a header", hint="write br, gzip")
        sent = {"Accept-Encoding": accept_encoding, "User-Agent": "perfctl", "Connection": "close", **(headers or {})}
        return await in_background(lambda: _get(target, sent, self.timeout_seconds, keep_bytes))


def is_url(text: str) -> bool:
    """Whether it names a host, rather than a path at the edge."""
    return "://" in text.partition("?")[0]


def _split(url: str) -> SplitResult:
    try:
        split = urlsplit(url)
        split.port  # noqa: B018 - read to have it checked
    except ValueError as error:
        raise UsageError(f"{url!r} is not a URL: {error}", hint="write https://host/path, or /path") from error
    if split.scheme not in ("http", "https") or not split.hostname or split.username or split.password:
        raise UsageError(f"{url!r} is not a URL of the web", hint="write https://host/path, or /path")
    return split


def _path_of(url: SplitResult) -> str:
    return (url.path or "/") + (f"?{url.query}" if url.query else "")


def _path(text: str) -> str:
    """The path as a browser sends it: what may not stand in a request line is percent-encoded, nothing else."""
    try:
        raw = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        raise UsageError(f"{text!r}: not a text that has bytes", hint="write it in UTF-8") from error
    return _NOT_SENT.sub(lambda byte: b"%%%02X" % byte.group()[0], raw).decode("ascii")


def _is_named(host: str | None, name: str) -> bool:
    """Whether the host is the distribution's name; `*.example.com` stands for one label."""
    if host is None:
        return False
    if name.startswith("*."):
        return host.partition(".")[2] == name[2:].lower()
    return host == name.lower()


def _get(target: Target, headers: dict[str, str], timeout_seconds: float, keep_bytes: int) -> tuple[EdgeAnswer, bytes]:
    started = time.perf_counter()
    since = begun()
    connection = _connection(target, timeout_seconds)
    try:
        if target.host_header:
            headers["Host"] = target.host_header
        connection.request("GET", target.path, headers=headers)
        response = connection.getresponse()
        size, kept = _drained(response, keep_bytes)
        return _answer(target, response, size, (time.perf_counter() - started) * 1000), kept
    except (OSError, http.client.HTTPException) as error:
        raise _failed(target, error) from error
    finally:
        connection.close()
        ended("edge", f"GET {target.url}", since)


def _connection(target: Target, timeout_seconds: float) -> http.client.HTTPConnection:
    if target.scheme == "http":
        return http.client.HTTPConnection(target.host, target.port, timeout=timeout_seconds)
    context = ssl.create_default_context()
    return http.client.HTTPSConnection(target.host, target.port, timeout=timeout_seconds, context=context)


def _drained(response: http.client.HTTPResponse, keep_bytes: int) -> tuple[int, bytes]:
    """Read to the end, for an edge may not keep what was not fetched whole; the size, and the first bytes."""
    size, kept = 0, b""
    while chunk := response.read(_CHUNK_BYTES):
        kept += chunk[: max(keep_bytes - size, 0)]
        size += len(chunk)
    return size, kept


def _answer(target: Target, response: http.client.HTTPResponse, size: int, took_ms: float) -> EdgeAnswer:
    x_cache = response.getheader("X-Cache")
    return EdgeAnswer(
        url=target.url,
        status=response.status,
        cache=cache_state(x_cache),
        x_cache=x_cache,
        age_seconds=age_seconds(response.getheader("Age")),
        cache_control=response.getheader("Cache-Control"),
        content_type=response.getheader("Content-Type"),
        content_encoding=response.getheader("Content-Encoding"),
        size_bytes=size,
        etag=response.getheader("ETag"),
        vary=response.getheader("Vary"),
        via_pop=response.getheader("X-Amz-Cf-Pop"),
        took_ms=round(took_ms, 3),
        headers=tuple(response.getheaders()),
    )


def _failed(target: Target, error: Exception) -> PerfctlError:
    where = f"GET {target.url}"
    if isinstance(error, TimeoutError):
        return TimedOutError(f"{where}: no answer in time", hint="raise --timeout, or check the edge (cdn.edge_url)")
    if isinstance(error, ssl.SSLError):
        return UnreachableError(f"{where}: TLS: {error}", hint="check the certificate of that name")
    if isinstance(error, socket.gaierror):
        return UnreachableError(f"{where}: the name has no address", hint="check the name and the DNS")
    if isinstance(error, OSError):
        return UnreachableError(f"{where}: {error.strerror or error}", hint="check the edge (cdn.edge_url)")
    return ServiceError(f"{where}: not an HTTP answer: {error!r}", hint="is this the edge's address?")
