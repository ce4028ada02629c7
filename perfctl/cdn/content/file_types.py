"""The content type of a file by its name: the same on every machine, whatever its own tables say (pure)."""

from __future__ import annotations

from collections.abc import Mapping

UNKNOWN = "application/octet-stream"

_ENDINGS: Mapping[str, str] = {
    "text/html": "html htm",
    "text/css": "css scss less",
    "text/javascript": "js mjs cjs",
    "application/json": "json map",
    "application/manifest+json": "webmanifest",
    "application/ld+json": "jsonld",
    "application/geo+json": "geojson",
    "application/x-ndjson": "ndjson jsonl",
    "application/xml": "xml xsl",
    "application/rss+xml": "rss",
    "application/atom+xml": "atom",
    "application/wasm": "wasm",
    "application/yaml": "yaml yml",
    "text/plain": "txt",
    "text/markdown": "md markdown",
    "text/csv": "csv",
    "text/vtt": "vtt",
    "text/typescript": "ts mts cts tsx jsx",
    "image/svg+xml": "svg",
    "image/x-icon": "ico",
    "image/bmp": "bmp",
    "image/jpeg": "jpg jpeg",
    "image/png": "png",
    "image/gif": "gif",
    "image/webp": "webp",
    "image/avif": "avif",
    "font/ttf": "ttf",
    "font/otf": "otf",
    "font/woff": "woff",
    "font/woff2": "woff2",
    "application/vnd.ms-fontobject": "eot",
    "video/mp4": "mp4",
    "video/webm": "webm",
    "audio/mpeg": "mp3",
    "application/pdf": "pdf",
    "application/zip": "zip",
}
_TYPES = {ending: media for media, endings in _ENDINGS.items() for ending in endings.split()}


def type_of(name: str) -> str:
    """The content type of a file with this name.

    >>> type_of("app.min.js"), type_of("LICENSE")
    ('text/javascript', 'application/octet-stream')
    """
    return _TYPES.get(ending_of(name), UNKNOWN)


def ending_of(name: str) -> str:
    """What stands behind the last dot, in lower case; empty without one, and for a name that begins with its only dot.

    >>> ending_of("logo.SVG"), ending_of(".npmrc")
    ('svg', '')
    """
    stem, dot, ending = name.rpartition("/")[2].rpartition(".")
    return ending.lower() if dot and stem else ""
