"""What the URI and the query string of a request may be."""

from __future__ import annotations

import re
from collections.abc import Iterator

MOST_URI = 8192

_BROKEN = re.compile(r"[\x00-\x20\x7f#]")


def of_uri(uri: object, querystring: str) -> Iterator[str]:
    """What is wrong with a URI, and with the query string that goes with it."""
    if not isinstance(uri, str):
        yield "the request has no uri" if uri is None else "uri is not a string"
        return
    if not uri.startswith("/"):
        yield f"uri begins with {uri[:1]!r} and not with a slash" if uri else "uri is empty: it begins with a slash"
    if broken := re.search(r"[\x00-\x1f\x7f]", uri):
        yield f"uri holds {broken[0]!r}, a control character"
    if broken := _BROKEN.search(querystring):
        kind = {" ": "a space", "#": "the fragment's sign"}.get(broken[0], "a control character")
        yield f"querystring holds {broken[0]!r}, {kind}"
    size = len(uri) + len(querystring) + bool(querystring)
    if size >= MOST_URI:
        yield f"uri and querystring have {size:,} characters together: there may be {MOST_URI - 1:,}"


def of_read_only(result: dict[str, object], was: dict[str, object], *names: str) -> Iterator[str]:
    """Fields that a function may not change."""
    for name in names:
        if name in result and result[name] != was.get(name):
            yield f"it changed {name}, which is read-only"
