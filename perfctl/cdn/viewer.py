"""Looking through the edge as a viewer does: GETs to the distribution's own names, and to no other host."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self
from urllib.parse import SplitResult, urlsplit

from perfctl.cdn.addresses import Pins
from perfctl.cdn.background import in_background
from perfctl.cdn.connecting import Got, Session, Target
from perfctl.cdn.edge_words import age_seconds, cache_state
from perfctl.cdn.model.edge import EdgeAnswer
from perfctl.errors import UsageError

VIEWERS_ENCODINGS = "br, gzip"
_STANDARD_PORTS = (("http", None), ("http", 80), ("https", None), ("https", 443))
_LOCATION = re.compile(r"[A-Z]{3}[0-9]{0,3}(-[A-Z][0-9]{1,2})?")
_LOCATION_HEADER = "X-Perfctl-Pop"
"""What the sandbox's edge is told the viewer's location by."""
_HEADER_VALUE = re.compile(r"[ -~]*")
_NOT_SENT = re.compile(rb"[^!-~]|[\"<>`{}#]")


@dataclass(frozen=True, slots=True)
class Viewer:
    """One edge, and the names that it answers to."""

    edge_url: str
    names: tuple[str, ...] = ()
    stands_in: bool = False
    """Whether this edge answers for all names; else each name is spoken to itself."""
    timeout_seconds: float = 10.0
    is_edge_given: bool = True
    """Whether the edge's address was configured, and so may be a private one."""
    location: str | None = None
    """The edge location that is asked, in place of the nearest one."""
    pins: Pins = field(default_factory=Pins, compare=False, repr=False)

    def at(self, location: str) -> Self:
        """The same, at an edge location such as `FRA56-P3`.

        By a name that AWS's own pre-warming sample uses and no document promises: ID.LOCATION.cloudfront.net, with the
        Host and the certificate of the name that is asked for. UsageError for what is no location.
        """
        if not _LOCATION.fullmatch(location):
            raise UsageError(f"{location!r} is no edge location", hint="write it as X-Amz-Cf-Pop does: FRA56-P3")
        return replace(self, location=location)

    def session(self) -> Session:
        """Connections to keep over several looks."""
        return Session(self.pins, self.timeout_seconds)

    def target(self, url_or_path: str) -> Target:
        """Where to look. UsageError for a host that is not the distribution's: nothing is sent to strangers."""
        edge = _split(self.edge_url)
        if url_or_path.startswith("/"):
            return self._of_edge(edge, None, edge.path.rstrip("/") + _path(url_or_path))
        url = _split(url_or_path)
        path = _path(_path_of(url))
        if (url.hostname, url.port) == (edge.hostname, edge.port):
            return self._of_edge(edge, None, path)
        if not any(_is_named(url.hostname, name) for name in self.names):
            known = ", ".join(dict.fromkeys((edge.netloc, *self.names)))
            raise UsageError(f"{url_or_path!r}: not a name of the distribution", hint=f"it answers to {known}")
        if (url.scheme, url.port) not in _STANDARD_PORTS:
            raise UsageError(f"{url_or_path!r}: CloudFront answers on 80 and 443 alone", hint="leave the port out")
        if not self.stands_in:
            return self._of_name(url.scheme, url.hostname or "", path)
        return self._of_edge(edge, url.hostname, path)

    async def look(self, url_or_path: str, *, accept_encoding: str = VIEWERS_ENCODINGS) -> EdgeAnswer:
        """GET it through the edge, the whole body, and say what the cache did. Redirects are not followed."""
        return (await self.read(url_or_path, accept_encoding=accept_encoding, keep_bytes=0))[0]

    async def read(
        self,
        url_or_path: str,
        *,
        accept_encoding: str = VIEWERS_ENCODINGS,
        headers: Mapping[str, str] | None = None,
        keep_bytes: int = 0,
        most_bytes: int | None = None,
        session: Session | None = None,
    ) -> tuple[EdgeAnswer, bytes]:
        """The same, and the first `keep_bytes` of the body as they came; `headers` go out beside the usual ones.

        Over the connections of a `session`, else over its own. ServiceError for a body of more than `most_bytes`.
        """
        target = self.target(url_or_path)
        if not _HEADER_VALUE.fullmatch(accept_encoding):
            raise UsageError(f"accept encoding {accept_encoding!r} cannot stand in a header", hint="write br, gzip")
        sent = {"Accept-Encoding": accept_encoding, "User-Agent": "perfctl", **(headers or {})}
        if self.location is not None and self.stands_in:
            sent[_LOCATION_HEADER] = self.location
        if session is not None:
            got = await in_background(lambda: session.get(target, sent, keep_bytes=keep_bytes, most_bytes=most_bytes))
        else:
            sent["Connection"] = "close"
            got = await in_background(lambda: self._got_once(target, sent, keep_bytes, most_bytes))
        return _answer(target, got), got.kept

    def _got_once(self, target: Target, sent: Mapping[str, str], keep_bytes: int, most_bytes: int | None) -> Got:
        session = self.session()
        try:
            return session.get(target, sent, keep_bytes=keep_bytes, most_bytes=most_bytes)
        finally:
            session.close()

    def _of_edge(self, edge: SplitResult, asked_for: str | None, path: str) -> Target:
        host = edge.hostname or ""
        if not self.is_edge_given:
            return self._of_name(edge.scheme, host, path)
        return Target(edge.scheme, host, edge.port, asked_for, path)

    def _of_name(self, scheme: str, name: str, path: str) -> Target:
        """The name itself, or the edge location that is asked in its name."""
        if self.location is None:
            return Target(scheme, name, None, None, path, is_public=True)
        identity = (self.names or (name,))[0].partition(".")[0]
        return Target(scheme, f"{identity}.{self.location}.cloudfront.net", None, name, path, is_public=True)


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


def _answer(target: Target, got: Got) -> EdgeAnswer:
    x_cache = got.header("X-Cache")
    return EdgeAnswer(
        url=target.url,
        status=got.status,
        cache=cache_state(x_cache),
        x_cache=x_cache,
        age_seconds=age_seconds(got.header("Age")),
        cache_control=got.header("Cache-Control"),
        content_type=got.header("Content-Type"),
        content_encoding=got.header("Content-Encoding"),
        size_bytes=got.size_bytes,
        etag=got.header("ETag"),
        vary=got.header("Vary"),
        via_pop=got.header("X-Amz-Cf-Pop"),
        took_ms=got.took_ms,
        headers=got.headers,
    )
