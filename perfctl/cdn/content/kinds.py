"""What a piece of content is, as caches need to know it: by its media type, its path and what the caller says."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal
from urllib.parse import unquote

from perfctl.cdn.delivery.patterns import matches

ContentKind = Literal["hashed", "asset", "html", "api", "private", "content"]
"""`hashed` never changes under its name; `content` is what nothing else is known of."""

_HASH = re.compile(r"(?:^|[._~-])(?=[0-9]*[a-f])(?=[a-f]*[0-9])[0-9a-f]{8,64}\.")
"""webpack, Rollup, Parcel and the like; both a letter and a digit, so that a date is none."""
_SHORT_HASH = re.compile(
    r"-(?=[A-Za-z0-9_-]{0,7}[0-9])(?=[A-Za-z0-9_-]{0,7}[a-z])(?=[A-Za-z0-9_-]{0,7}[A-Z])[A-Za-z0-9_-]{8}\.(?:m?js|css)(?:\.map)?$"
)
"""Vite's, for what it builds into its `assets` folder."""
_ESBUILD_HASH = re.compile(r"-(?=[A-Z]*[2-7])(?=[2-7]*[A-Z])[A-Z2-7]{8}\.(?:m?js|css)(?:\.map)?$")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
"""Names a thing, not its content: the picture behind it may be replaced."""
_IMMUTABLE_FOLDERS = ("/_next/static/", "/_app/immutable/")
"""Of Next.js and SvelteKit, whose names hold a build's ID or a hash."""
_API_FOLDERS = ("/api/", "/graphql/")
_ASSET_SUFFIXES = frozenset(
    (
        *("js", "mjs", "cjs", "css", "map", "json", "webmanifest", "wasm", "txt", "xml", "csv", "md", "pdf", "zip"),
        *("svg", "png", "jpg", "jpeg", "gif", "webp", "avif", "ico", "bmp", "mp4", "webm", "mp3", "ogg"),
        *("woff", "woff2", "ttf", "otf", "eot"),
    )
)
_HTML = frozenset(("text/html", "application/xhtml+xml"))
_SCRIPTS = frozenset(
    ("text/css", "text/javascript", "application/javascript", "application/x-javascript", "application/wasm")
)
_ANSWERS = frozenset(("application/json", "application/x-ndjson", "application/graphql", "application/x-protobuf"))


def kind_of(
    content_type: str, *, path: str | None = None, is_private: bool = False, private_paths: Iterable[str] = ()
) -> ContentKind:
    """The kind of a response; the path may carry a query, and be a URL's. It is private as it stands and decoded,
    for a server that decodes it finds the same thing there.

    >>> kind_of("text/javascript", path="/js/app.3f2a9c41.js"), kind_of("application/json", path="/api/stocks?at=1")
    ('hashed', 'api')
    """
    media = media_type(content_type)
    place = None if path is None else _place(path)
    if is_private or (place is not None and _is_covered(place, tuple(private_paths))):
        return "private"
    if media in _HTML:
        return "html"
    if place is None:
        return "asset" if _is_static(media) else "content"
    return _kind_of_path(place, media)


def media_type(content_type: str) -> str:
    """The type and subtype alone, in lower case.

    >>> media_type("Text/HTML; charset=utf-8")
    'text/html'
    """
    return content_type.partition(";")[0].strip().lower()


def is_hashed(path: str) -> bool:
    """Whether the name holds a hash of the content, so that another content has another name.

    >>> is_hashed("/main.3f2a9c41.css"), is_hashed("/report-20260115.csv"), is_hashed("/assets/index-BX3kP9qL.js")
    (True, False, True)
    """
    name = path.rpartition("/")[2]
    if any(folder in path for folder in _IMMUTABLE_FOLDERS):
        return True
    if _UUID.search(name):
        return False
    return bool(_HASH.search(name) or _ESBUILD_HASH.search(name)) or (
        "/assets/" in path and bool(_SHORT_HASH.search(name))
    )


def _place(path: str) -> str:
    """The path alone, from its first slash."""
    alone = path.partition("?")[0].partition("#")[0]
    if "://" in alone:
        alone = alone.partition("://")[2].partition("/")[2]
    return alone if alone.startswith("/") else f"/{alone}"


def _is_covered(place: str, patterns: tuple[str, ...]) -> bool:
    if not patterns:
        return False
    decoded = unquote(place)
    return any(matches(pattern, place) or matches(pattern, decoded) for pattern in patterns)


def _kind_of_path(place: str, media: str) -> ContentKind:
    folder = place + "/"
    if any(folder.startswith(api) for api in _API_FOLDERS):
        return "api"
    if is_hashed(place):
        return "hashed"
    suffix = place.rpartition("/")[2].rpartition(".")[2].lower()
    if suffix in _ASSET_SUFFIXES or _is_static(media):
        return "asset"
    return "api" if media in _ANSWERS or media.endswith(("+json", "+xml")) else "asset"


def _is_static(media: str) -> bool:
    return media.partition("/")[0] in ("image", "font", "video", "audio") or media in _SCRIPTS
