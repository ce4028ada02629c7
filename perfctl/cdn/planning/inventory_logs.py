"""The inventory that access logs make: every path that viewers asked for, and what losing it weighs."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from perfctl.cdn.logs.locations import files_of, is_s3
from perfctl.cdn.paths import as_asked
from perfctl.cdn.planning.inventory import Inventory
from perfctl.cdn.services import Services

MOST_MISSES = 13
"""A purged object is fetched again by each regional cache that is asked for it, and there are so many of those."""
_LOOKED_AT = 4096


def is_logs(source: str) -> bool:
    """Whether it is a place of access logs: in S3, a folder, a pattern, or a file that begins like one."""
    path = Path(source)
    if is_s3(source) or path.is_dir() or any(sign in source for sign in "*?["):
        return True
    if source == "-" or not path.is_file():
        return False
    begin = _begin(path)
    return begin.startswith((b"#Version", b"#Fields")) or b'"cs-uri-stem"' in begin


def of_logs(places: Sequence[str], services: Services | None = None) -> Inventory:
    """Each path once, with its requests, at most 13: an object is missed no oftener than it is asked for. Query strings
    are left out, for the logs do not say which of them are in the cache key; the logs' own escapes are undone.
    UsageError for a place with nothing."""
    from perfctl.cdn.logs.arrays import np
    from perfctl.cdn.logs.columns import read

    requests: Counter[bytes] = Counter()
    for source in files_of(places, services):
        for block in read(source):
            numbers, labels = block.codes("cs-uri-stem")
            for label, number in zip(labels, np.bincount(numbers, minlength=len(labels)).tolist(), strict=True):
                requests[label] += number
    known = ((as_asked(label.decode("utf-8", "surrogateescape")), number) for label, number in requests.items())
    weights: Counter[str] = Counter()
    for path, number in known:
        if path.startswith("/"):
            weights[path] += number
    return Inventory.of((path, min(number, MOST_MISSES)) for path, number in weights.items())


def _begin(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            begin = file.read(_LOOKED_AT)
        if begin[:2] != b"\x1f\x8b":
            return begin
        return zlib.decompressobj(wbits=zlib.MAX_WBITS | 16).decompress(begin, _LOOKED_AT)
    except (OSError, zlib.error):
        return b""
