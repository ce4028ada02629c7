"""Path patterns of cache behaviours, and the form of a path that they are matched against."""

from __future__ import annotations

import re


def matches(pattern: str, path: str) -> bool:
    """Whether a path pattern covers a path: `*` is any run of characters, `?` exactly one, the rest literal.

    The leading slash of a pattern is optional and case counts. Linear in practice, len(pattern) * len(path) at
    worst: the greedy two-pointer walk, which needs to remember only the last `*`.

    >>> matches("/img/*.jp?g", "/img/a/b.jpeg"), matches("*.css", "/a/b.css"), matches("/API/*", "/api/x")
    (True, True, False)
    """
    if not pattern.startswith(("/", "*")):
        pattern = "/" + pattern
    at, here, star, retry = 0, 0, -1, 0
    while here < len(path):
        if at < len(pattern) and pattern[at] == "*":
            star, retry, at = at, here, at + 1
        elif at < len(pattern) and pattern[at] in ("?", path[here]):
            at, here = at + 1, here + 1
        elif star >= 0:
            retry += 1
            at, here = star + 1, retry
        else:
            return False
    return not pattern[at:].strip("*")


def without_dots(path: str) -> str:
    """The path as CloudFront matches it with behaviours: slashes once, dot segments resolved (RFC 3986, 5.2.4).

    The origin is asked for the path as it was sent.

    >>> without_dots("/public/..//private/./a"), without_dots("/a/b/.."), without_dots("/../../a")
    ('/private/a', '/a/', '/a')
    """
    if "//" not in path and "/." not in path:
        return path
    segments = re.sub("/{2,}", "/", path).split("/")[1:]
    kept: list[str] = []
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)
