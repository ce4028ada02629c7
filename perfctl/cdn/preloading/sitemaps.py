"""The URLs of a sitemap, by sitemaps.org: XML or a URL a line, gzipped or not, an index of others. Bounded in every
way, for it is read from the network.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from xml.parsers import expat

from perfctl.errors import UsageError

MOST_BYTES = 50 * 1024 * 1024
"""Of one file, unpacked: the protocol's own limit."""
MOST_URLS = 50_000
"""Of one file: the protocol's own limit. Of all files that one index leads to: ten times as many."""
MOST_FILES = 1_000
_DEEPEST_ELEMENT = 12
_DEEPEST_INDEX = 2
_LONGEST_URL = 8_192

Read = Callable[[str], Awaitable[bytes]]
"""The bytes at a URL of the distribution's own."""


@dataclass(slots=True)
class Sitemap:
    """What one file lists."""

    urls: list[str] = field(default_factory=list)
    sitemaps: list[str] = field(default_factory=list)


async def urls_of(content: bytes, name: str, read: Read) -> tuple[str, ...]:
    """Every URL of a sitemap and of those that it lists, in order, each once.

    `name` is told in errors. UsageError for what is no sitemap, and beyond the limits.
    """
    found: dict[str, None] = {}
    waiting: deque[tuple[str, int]] = deque([(name, 0)])
    files = 0
    while waiting:
        place, depth = waiting.popleft()
        sitemap = parsed(await read(place) if depth else content, place)
        found.update(dict.fromkeys(sitemap.urls))
        files += len(sitemap.sitemaps)
        if len(found) > 10 * MOST_URLS or files > MOST_FILES:
            raise UsageError(f"{name}: more than {10 * MOST_URLS} URLs or {MOST_FILES} files", hint="name a part of it")
        if sitemap.sitemaps and depth + 1 > _DEEPEST_INDEX:
            raise UsageError(f"{place}: an index within indexes", hint="name the sitemaps themselves")
        waiting += [(one, depth + 1) for one in dict.fromkeys(sitemap.sitemaps)]
    return tuple(found)


def parsed(packed: bytes, name: str) -> Sitemap:
    """What one file lists. UsageError where it is none, declares entities, or is over the limits."""
    content = _unpacked(packed, name)
    if content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return _Reader(name).read(content)
    lines = content.decode("utf-8-sig", "surrogateescape").splitlines()
    urls = [line.strip() for line in lines if line.strip()]
    if not urls or not all(url.startswith(("http://", "https://")) and len(url) <= _LONGEST_URL for url in urls):
        raise UsageError(f"{name}: it is no sitemap", hint="give XML as sitemaps.org has it, or a URL a line")
    return Sitemap(_bounded(urls, name))


class _Reader:
    """Reads XML with the standard library's own parser; a document type is refused before it can declare anything."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._open: list[str] = []
        self._text: list[str] = []
        self._found = Sitemap()
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler = self._started
        parser.EndElementHandler = self._ended
        parser.CharacterDataHandler = self._told
        parser.StartDoctypeDeclHandler = self._refused
        parser.EntityDeclHandler = self._refused
        self._parser = parser

    def read(self, content: bytes) -> Sitemap:
        try:
            self._parser.Parse(content, True)
        except (expat.ExpatError, LookupError, ValueError) as error:  # the last two: an encoding that it declares
            raise UsageError(f"{self._name}: {error}", hint="give XML as sitemaps.org has it") from error
        finally:
            for handler in ("StartElementHandler", "EndElementHandler", "CharacterDataHandler"):
                setattr(self._parser, handler, None)
        if not self._found.urls and not self._found.sitemaps and "sitemap" not in self._root:
            raise UsageError(f"{self._name}: it is no sitemap", hint="give XML as sitemaps.org has it")
        return self._found

    _root = ""

    def _started(self, tag: str, attributes: dict[str, str]) -> None:
        if not self._open:
            self._root = tag
        self._open.append(tag.rpartition(" ")[2])
        self._text = []
        if len(self._open) > _DEEPEST_ELEMENT:
            raise UsageError(f"{self._name}: elements within elements, {_DEEPEST_ELEMENT} deep")

    def _told(self, text: str) -> None:
        if self._open and self._open[-1] == "loc":
            self._text.append(text)

    def _ended(self, tag: str) -> None:
        if self._open[-2:] in (["url", "loc"], ["sitemap", "loc"]):
            url = "".join(self._text).strip()
            into = self._found.urls if self._open[-2] == "url" else self._found.sitemaps
            if url and len(url) <= _LONGEST_URL:
                into.append(url)
            _bounded(into, self._name)
        self._open.pop()

    def _refused(self, *declared: object) -> None:
        raise UsageError(f"{self._name}: a document type is declared", hint="a sitemap needs none: take it out")


def _bounded(urls: list[str], name: str) -> list[str]:
    if len(urls) > MOST_URLS:
        raise UsageError(f"{name}: more than {MOST_URLS} URLs in one file", hint="split it, as the protocol asks")
    return urls


def _unpacked(packed: bytes, name: str) -> bytes:
    """Out of gzip where it is gzipped, never more than the limit."""
    content = packed
    if packed.startswith(b"\x1f\x8b"):
        try:
            with gzip.open(io.BytesIO(packed)) as stream:
                content = stream.read(MOST_BYTES + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise UsageError(f"{name}: it cannot be unpacked: {error}", hint="is it gzipped whole?") from error
    if len(content) > MOST_BYTES:
        raise UsageError(f"{name}: more than {MOST_BYTES // 1024 // 1024} MB", hint="split it, as the protocol asks")
    return content
