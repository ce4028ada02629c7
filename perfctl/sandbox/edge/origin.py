"""The sample origin behind the edge: a small stock-trading site whose answers show what a cache does.

| path | answers |
|---|---|
| / and /index.html | HTML, one minute |
| /assets/app.js, /css/site.css, /assets/logo.svg | text to compress, one hour |
| /img/NAME.jpg | always the same bytes for a name, one day |
| /api/stocks/SYMBOL, /api/market/overview, /api/portfolio/N | JSON, one minute; `version` counts the origin's answers |
| /private/... | JSON that no cache may keep |
| /slow?ms=N | after N milliseconds (30,000 at most) |
| /status/CODE | that status |
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import re
from collections import Counter
from collections.abc import Callable
from urllib.parse import parse_qs

from perfctl.cdn.delivery.headers import Headers
from perfctl.sandbox.edge.clock import Clock, http_date
from perfctl.sandbox.edge.http import Request, Response
from perfctl.sandbox.edge.viewer import tailored

PUBLISHED_AT = 1_767_225_600.0  # 2026-01-01
MAX_DELAY_MS = 30_000
MAX_COUNTED_PATHS = 10_000

Page = Callable[[re.Match[str]], Response]


class SampleOrigin:
    """Knows its pages, counts how often each API path was asked for."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._versions: Counter[str] = Counter()
        self._pages: tuple[tuple[re.Pattern[str], Page], ...] = (
            (re.compile(r"/(index\.html)?"), self._home),
            (re.compile(r"/assets/app\.js"), self._script),
            (re.compile(r"/css(/site\.css)?"), self._style),
            (re.compile(r"/assets/logo\.svg"), self._logo),
            (re.compile(r"/img/([A-Za-z0-9_/-]{1,100})\.(jpg|jpeg|png|webp)"), self._image),
            (re.compile(r"/api/stocks/([A-Za-z0-9.-]{1,12})"), self._stock),
            (re.compile(r"/api/portfolio/([0-9]{1,12})"), self._portfolio),
            (re.compile(r"/api/market/overview"), self._market),
            (re.compile(r"/private(/.*)?"), self._private),
            (re.compile(r"/status/([2-5][0-9]{2})"), self._status),
        )

    async def handle(self, request: Request) -> Response:
        """Answer one request; a page that is unchanged for the asker is a 304."""
        if request.path == "/slow":
            return await self._slow(request)
        for pattern, page in self._pages:
            if match := pattern.fullmatch(request.path):
                return self._sent(request, page(match))
        return self._sent(request, Response(404, _kind("text/html", max_age=None), b"<h1>404 Not Found</h1>\n"))

    def _sent(self, request: Request, page: Response) -> Response:
        headers = page.headers.with_("Date", http_date(self._clock.now())).with_("Server", "perfctl-sample-origin")
        if page.status != 200 or "no-store" in (headers.get("cache-control") or ""):
            return Response(page.status, headers, page.body)
        headers = headers.with_("ETag", f'"{hashlib.sha256(page.body).hexdigest()[:16]}"')
        headers = headers.with_("Accept-Ranges", "bytes")
        return tailored(request, 200, headers, page.body)

    async def _slow(self, request: Request) -> Response:
        text = parse_qs(request.query, max_num_fields=100).get("ms", ["1000"])[0]
        milliseconds = min(int(text), MAX_DELAY_MS) if re.fullmatch(r"[0-9]{1,9}", text, re.ASCII) else 1000
        await asyncio.sleep(milliseconds / 1000)
        return self._sent(request, _json({"slept_ms": milliseconds}, max_age=None))

    def _home(self, _: re.Match[str]) -> Response:
        rows = "".join(f'<li><a href="/api/stocks/{symbol}">{symbol}</a></li>\n' for symbol in _symbols(60))
        return Response(200, _kind("text/html; charset=utf-8", 60, "pages"), _HTML.format(rows=rows).encode())

    def _script(self, _: re.Match[str]) -> Response:
        lines = (f'export const symbol{at} = "{symbol}"; // one of many\n' for at, symbol in enumerate(_symbols(300)))
        return Response(200, _kind("application/javascript", 3600, "assets"), "".join(lines).encode())

    def _style(self, _: re.Match[str]) -> Response:
        lines = (f".quote-{at} {{ color: #{at:06x}; padding: {at % 7}px; }}\n" for at in range(200))
        return Response(200, _kind("text/css", 3600, "assets"), "".join(lines).encode())

    def _logo(self, _: re.Match[str]) -> Response:
        bars = "".join(f'<rect x="{at * 8}" y="{at % 40}" width="6" height="{60 - at % 40}"/>' for at in range(60))
        text = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 480 100">{bars}</svg>\n'
        return Response(200, _kind("image/svg+xml", 3600, "assets"), text.encode())

    def _image(self, match: re.Match[str]) -> Response:
        dice = random.Random(match[0])  # noqa: S311 - the same bytes for the same name
        kind = "image/jpeg" if match[2] in ("jpg", "jpeg") else f"image/{match[2]}"
        return Response(200, _kind(kind, 86_400, f"img,img-{match[1]}"), dice.randbytes(dice.randrange(8_000, 40_000)))

    def _stock(self, match: re.Match[str]) -> Response:
        symbol = match[1].upper()
        dice = random.Random(symbol)  # noqa: S311 - the same company for the same symbol
        history = [{"day": day, "close": round(dice.uniform(20, 400), 2)} for day in range(30)]
        body = {"symbol": symbol, "version": self._version(match[0]), "history": history}
        return _json(body, max_age=60, tags=f"stocks,symbol-{symbol}")

    def _portfolio(self, match: re.Match[str]) -> Response:
        number = int(match[1])
        holdings = [{"symbol": symbol, "shares": (number + at) % 90 + 1} for at, symbol in enumerate(_symbols(25))]
        body = {"portfolio": number, "version": self._version(match[0]), "holdings": holdings}
        return _json(body, max_age=60, tags=f"portfolios,portfolio-{number}")

    def _market(self, match: re.Match[str]) -> Response:
        movers = [{"symbol": symbol, "change_percent": at - 12} for at, symbol in enumerate(_symbols(25))]
        return _json(
            {"market": "open", "version": self._version(match[0]), "movers": movers}, max_age=60, tags="market"
        )

    def _private(self, match: re.Match[str]) -> Response:
        return Response(
            200,
            _kind("application/json", None)
            .with_("Cache-Control", "private, no-store")
            .with_("Set-Cookie", "session=1"),
            json.dumps({"version": self._version(match[0])}).encode() + b"\n",
        )

    def _status(self, match: re.Match[str]) -> Response:
        status = int(match[1])
        headers = _kind("text/plain", max_age=None)
        if 300 <= status < 400 and status != 304:
            headers = headers.with_("Location", "/")
        return Response(status, headers, f"status {status}\n".encode())

    def _version(self, path: str) -> int:
        if len(self._versions) >= MAX_COUNTED_PATHS and path not in self._versions:
            self._versions.clear()
        self._versions[path] += 1
        return self._versions[path]


def _kind(content_type: str, max_age: int | None, tags: str | None = None) -> Headers:
    headers = Headers((("Content-Type", content_type),))
    if max_age is not None:
        headers = headers.with_("Cache-Control", f"public, max-age={max_age}")
        headers = headers.with_("Last-Modified", http_date(PUBLISHED_AT))
    return headers if tags is None else headers.with_("Cache-Tag", tags)


def _json(body: object, *, max_age: int | None, tags: str | None = None) -> Response:
    headers = _kind("application/json", max_age, tags).without("last-modified")  # its version changes each time
    return Response(200, headers, json.dumps(body, indent=1).encode() + b"\n")


def _symbols(number: int) -> list[str]:
    dice = random.Random(number)  # noqa: S311 - always the same symbols
    return [
        "AAPL",
        "MSFT",
        "NVDA",
        *("".join(dice.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ", k=4)) for _ in range(number - 3)),
    ]


_HTML = """<!doctype html>
<html lang="en">
<head><title>Sample market</title>
<link rel="stylesheet" href="/css/site.css"><script src="/assets/app.js"></script></head>
<body><h1>Sample market</h1><img src="/img/1.jpg" alt=""><ul>
{rows}</ul></body>
</html>
"""
