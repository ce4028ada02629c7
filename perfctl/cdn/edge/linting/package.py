"""What is wrong with a function as a whole: sizes, and what does not go together."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path

from perfctl.cdn.edge.linting.finding import Finding
from perfctl.cdn.edge.model import EdgeFunction
from perfctl.units import format_bytes

FUNCTION_BYTES = 10 * 1024
PACKAGE_BYTES = {"viewer": 1024 * 1024, "origin": 50 * 1024 * 1024}
"""What the package of a Lambda@Edge function may have, zipped, by its side."""
_NEAR = 0.9


def of_package(function: EdgeFunction, text: str) -> Iterator[Finding]:
    """Trigger, memory, store and size."""
    if function.is_lambda:
        yield from _of_lambda(function)
    else:
        yield from _of_function(function, text)


def _of_function(function: EdgeFunction, text: str) -> Iterator[Finding]:
    if function.trigger.startswith("origin"):
        said = f"a CloudFront Function runs at viewer triggers, not at {function.trigger}"
        yield Finding("trigger", "fail", said, fix="make it a Lambda@Edge function: runtime=nodejs or python")
    size = len(text.encode())
    if size > FUNCTION_BYTES:
        said = f"the code has {size:,} bytes, and may have {FUNCTION_BYTES:,}"
        yield Finding("size", "fail", said, fix="minify it, or move data to a key value store")
    elif size > FUNCTION_BYTES * _NEAR:
        yield Finding("size", "warn", f"the code has {size:,} of the {FUNCTION_BYTES:,} bytes that it may have")
    if function.store is not None and function.runtime == "cloudfront-js-1.0":
        yield Finding("store", "fail", "key value stores are for runtime 2.0", fix="runtime=cloudfront-js-2.0")


def _of_lambda(function: EdgeFunction) -> Iterator[Finding]:
    side = function.trigger.partition("-")[0]
    if side == "viewer" and function.memory_mb != 128:
        said = f"memory={function.memory_mb}: at {function.trigger} a function has 128 MB"
        yield Finding("memory", "fail", said, fix="leave memory out, or move to an origin trigger")
    size, most = _zipped(function.source), PACKAGE_BYTES[side]
    if size > most:
        said = f"the package has about {format_bytes(size)} zipped, and may have {format_bytes(most)}"
        yield Finding("size", "fail", said, fix="leave out what the function does not import")


def _zipped(source: Path | bytes) -> int:
    """About the size of its package: each file deflated by itself, as a zip does."""
    if isinstance(source, bytes):
        return len(zlib.compress(source))
    files = [source] if source.is_file() else [one for one in source.rglob("*") if one.is_file()]
    return sum(len(zlib.compress(one.read_bytes())) for one in files if "__pycache__" not in one.parts)
