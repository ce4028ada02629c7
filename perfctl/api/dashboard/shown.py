"""What the page is given of each part: the fields that it shows, no text longer than it can show."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from perfctl.document.envelope import data_of

PARTS = ("metrics", "health", "alerts", "cache", "slow-queries", "invalidations")
"""The parts that the page shows, what is seen first at the front."""
MOST_ROWS = 50
MOST_CHARACTERS = 600

_SLOW = ("query", "fingerprint", "queryid", "calls", "total_ms", "share", "mean_ms", "max_ms", "p95_ms", "rows")
_NAMESPACE = ("namespace", "keys", "size_bytes", "hits", "misses", "hit_ratio", "hits_l1", "hits_l2", "stale")
_CACHE = ("keys", "size_bytes", "hits", "misses", "hit_ratio", "counted_since")
_SOURCE = ("database", "source", "server", "since", "window_seconds", "total", "notes")


def shown(part: str, value: object) -> Any:
    """The plain fields of a part's answer, as the page reads them."""
    return cut(_SHOWN[part](value) if part in _SHOWN else data_of(value))


def cut(value: Any) -> Any:
    """The same, with every list and text no longer than the page shows."""
    if isinstance(value, str):
        return value if len(value) <= MOST_CHARACTERS else f"{value[:MOST_CHARACTERS]}…"
    if isinstance(value, list):
        return [cut(item) for item in value[:MOST_ROWS]]
    if isinstance(value, dict):
        return {key: cut(item) for key, item in value.items()}
    return value


def _of(value: Any, names: tuple[str, ...]) -> dict[str, Any]:
    """Some fields; one that the result has not is left out."""
    return {name: getattr(value, name) for name in names if hasattr(value, name)}


def _slow(value: Any) -> Any:
    rows = [_of(row, _SLOW) for row in value.rows[:MOST_ROWS]]
    return data_of({**_of(value, _SOURCE), "rows": rows})


def _cache(value: Any) -> Any:
    rows = [_of(row, _NAMESPACE) for row in value.rows[:MOST_ROWS]]
    return data_of({**_of(value, _CACHE), "server": value.server, "rows": rows})


_SHOWN: Mapping[str, Callable[[Any], Any]] = {"slow-queries": _slow, "cache": _cache}
"""Parts that are not shown as they are."""
