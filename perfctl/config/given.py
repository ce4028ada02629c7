"""A value that somebody gave, and who that was: what the layers of the configuration are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

SourceKind = Literal["flag", "variable", "explicit", "project", "user", "ambient"]
"""`explicit` is --config, `project` a discovered perfctl.yaml, `ambient` what other programs read, too."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value stands."""

    kind: SourceKind
    where: str
    """`perfctl.yaml:7:17`, `env DB_HOST`, `--dsn`."""
    context: str | None = None
    """The context whose own value it is; None for a base, a variable, a flag."""


@dataclass(frozen=True, slots=True)
class Given:
    """A checked value and its source."""

    value: Any
    source: Source


Layer = dict[str, Given]
"""What one place gives, by dotted key: `cache.redis_url`."""
