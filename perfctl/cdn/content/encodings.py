"""Content codings: which are allowed, which of them a viewer prefers, and compressing with them (pure)."""

from __future__ import annotations

import gzip
import re
from collections.abc import Mapping, Sequence

from perfctl.cdn.content.kinds import media_type

ONLINE = {"br": 5, "gzip": 6}
"""brotli 5 is smaller than gzip at its best, at the CPU cost of gzip's default."""
AT_DEPLOY = {"br": 11, "gzip": 9}
SMALLEST_BYTES = 256
"""Below, headers outweigh what is saved."""
LEAST_GAIN = 0.05
MEGABYTES_PER_CPU_SECOND: Mapping[str, tuple[tuple[int, float], ...]] = {
    "br": ((11, 0.5), (9, 3.2), (5, 20.0), (4, 38.0), (1, 100.0)),
    "gzip": ((9, 9.6), (6, 20.0), (1, 60.0)),
}
"""What each level managed on scripts, style sheets and JSON, the best level first: the lower of our measurements."""

_COMPRESSIBLE_APPLICATIONS = frozenset(
    {
        "javascript", "json", "ld+json", "manifest+json", "rtf", "vnd.ms-fontobject", "wasm", "x-font-opentype",
        "x-font-truetype", "x-font-ttf", "x-javascript", "xhtml+xml", "xml", "x-ndjson", "graphql", "x-yaml", "yaml",
        "sql", "x-protobuf", "x-sh",
    }
)  # fmt: skip
_COMPRESSIBLE_OTHERS = frozenset({"image/svg+xml", "image/bmp", "image/x-icon", "image/vnd.microsoft.icon"})
_WEIGHT = re.compile(r"\s*q\s*=\s*([0-9]{0,6}(?:\.[0-9]{0,12})?)\s*", re.ASCII)


def is_compressible(content_type: str) -> bool:
    """Whether the type is text-like; images, video, archives and WOFF are compressed already.

    >>> is_compressible("application/problem+json; charset=utf-8"), is_compressible("image/png")
    (True, False)
    """
    media = media_type(content_type)
    kind, _, subtype = media.partition("/")
    if kind == "text" or media in _COMPRESSIBLE_OTHERS:
        return subtype != "event-stream"
    if kind == "font":
        return subtype in ("ttf", "otf", "collection")
    return kind == "application" and (subtype in _COMPRESSIBLE_APPLICATIONS or subtype.endswith(("+json", "+xml")))


def switched_on(*, compression_enabled: bool, brotli_enabled: bool, gzip_enabled: bool) -> tuple[str, ...]:
    """Which codings may be used, the best first."""
    if not compression_enabled:
        return ()
    return tuple(name for name, on in (("br", brotli_enabled), ("gzip", gzip_enabled)) if on)


def preferred(encodings: Sequence[str], accept_encoding: str | None) -> tuple[str, ...]:
    """Those that the viewer takes (RFC 9110, 12.5.3), the heaviest first, and of one weight in the order given.

    None takes everything. What weighs less than an `identity` that is named is left out.

    >>> preferred(("br", "gzip"), "gzip;q=1.0, br;q=0.5"), preferred(("br",), "identity, br;q=0.1")
    (('gzip', 'br'), ())
    """
    if accept_encoding is None:
        return tuple(encodings)
    weights = _weights(accept_encoding)
    least = weights.get("identity", 0.0)
    taken = [(weight, name) for name in encodings if (weight := _weight_of(weights, name)) > 0 and weight >= least]
    return tuple(name for _, name in sorted(taken, key=lambda pair: -pair[0]))


def accepts(accept_encoding: str, name: str) -> bool:
    """Whether a viewer's Accept-Encoding takes this coding; `q=0` refuses.

    >>> accepts("gzip;q=0, br", "gzip"), accepts("*", "br")
    (False, True)
    """
    return _weight_of(_weights(accept_encoding), name) > 0


def weight(parameters: str) -> float:
    """The weight among the parameters of a list's element: 0..1; 1 where there is none, or none that can be read.

    >>> weight("q=0.5"), weight(" level=1; Q = 0"), weight("q=x")
    (0.5, 0.0, 1.0)
    """
    for part in parameters.split(";"):
        match = _WEIGHT.fullmatch(part.lower())
        if match and match[1].strip("."):
            return min(float(match[1]), 1.0)
    return 1.0


def levels_within(budget_ms: float, size_bytes: int) -> dict[str, int]:
    """For each coding the best level that compresses so many bytes in the time, by what each level manages; a coding
    that has none is left out.

    >>> levels_within(3.0, 50_000), levels_within(1000.0, 50_000)["br"]
    ({'br': 5, 'gzip': 6}, 11)
    """
    needed = size_bytes / 1e6 / max(budget_ms / 1000, 1e-9)
    chosen = {
        name: next((level for level, speed in levels if speed >= needed), None)
        for name, levels in MEGABYTES_PER_CPU_SECOND.items()
    }
    return {name: level for name, level in chosen.items() if level is not None}


def smallest(original: bytes, encodings: Sequence[str], levels: Mapping[str, int]) -> tuple[bytes, str | None]:
    """The first coding that saves enough, else the content as it is: never larger."""
    if len(original) < SMALLEST_BYTES:
        return original, None
    for name in encodings:
        if name in levels:
            encoded = compressed(original, name, levels[name])
            if pays(len(encoded), len(original)):
                return encoded, name
    return original, None


def pays(size_bytes: int, original_bytes: int) -> bool:
    """Whether it is enough smaller to be worth a variant of its own."""
    return size_bytes <= original_bytes * (1 - LEAST_GAIN)


def compressed(original: bytes, encoding: str, level: int) -> bytes:
    """The content in this coding, the same bytes each time."""
    if encoding == "br":
        import brotli  # type: ignore[import-untyped,unused-ignore]

        made: bytes = brotli.compress(original, quality=level)
        return made
    return gzip.compress(original, level, mtime=0)


def _weights(accept_encoding: str) -> dict[str, float]:
    elements = (part.partition(";") for part in accept_encoding.lower().split(",") if part.strip())
    return {name.strip().removeprefix("x-"): weight(parameters) for name, _, parameters in elements}


def _weight_of(weights: Mapping[str, float], name: str) -> float:
    return weights.get(name, weights.get("*", 0.0))
