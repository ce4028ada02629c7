"""Fewer, wider items for who would rather forget a folder than wait: the narrowest folders that are enough (pure)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from perfctl.cdn.paths import is_wildcard
from perfctl.cdn.queue.limits import Load


def folders_instead(items: Sequence[str], most: Load) -> tuple[str, ...]:
    """Folder wildcards that let the items be at most so many, the items under them left out; none where they are.

    Folders are made from the deepest up, those with the most items first, and never `/*`: where that is not enough,
    the rest waits for room. Tags stay what they are.

    >>> folders_instead(["/de/a/*", "/de/b/*", "/en/a/*"], Load(0, 2))
    ('/de/*',)
    """
    if most.wildcards <= 0:
        return ()
    asked = {item[:-1] for item in items if is_wildcard(item)}
    exact = [item for item in items if item.startswith("/") and not is_wildcard(item)]
    tags = len(items) - len(asked) - len(exact)
    prefixes = _fewer(asked | _fullest(exact, most.paths - tags), most.wildcards)
    return tuple(sorted(prefix + "*" for prefix in prefixes - asked))


def _fullest(exact: Sequence[str], most: int) -> set[str]:
    """The folders with the most paths in them, as many as leave at most so many paths."""
    left = len(exact)
    chosen: set[str] = set()
    for folder, number in Counter(map(_folder, exact)).most_common():
        if left <= most:
            break
        if folder != "/":
            chosen.add(folder)
            left -= number
    return chosen


def _fewer(prefixes: set[str], most: int) -> set[str]:
    """At most so many prefixes that cover these, as far as folders below the root can."""
    while len(prefixes) > most:
        depth = max(_folder(prefix).count("/") for prefix in prefixes)
        if depth <= 1:
            break
        for folder, _ in _folders_at(prefixes, depth):
            prefixes = {prefix for prefix in prefixes if not prefix.startswith(folder)} | {folder}
            if len(prefixes) <= most:
                break
    return prefixes


def _folders_at(prefixes: Iterable[str], depth: int) -> list[tuple[str, int]]:
    """The folders of a depth, those with the most prefixes in them first, then by name."""
    counted = Counter(folder for folder in map(_folder, prefixes) if folder.count("/") == depth)
    return sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))


def _folder(path: str) -> str:
    """`/a/` for `/a/b`, for `/a/b/` and for the wildcard's prefix `/a/b/`; query strings are part of the name."""
    body = path.partition("?")[0]
    return body[: body.rfind("/", 0, max(1, len(body) - 1)) + 1] or "/"
