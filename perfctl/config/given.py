"""A value that somebody gave, and who that was: what the layers of the configuration are made of.

Named tuples here and in the other inner modules: they are made at each start, at a sixth of a dataclass's cost.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

SourceKind = Literal["flag", "variable", "explicit", "project", "user", "ambient"]
"""`explicit` is --config, `project` a discovered perfctl.yaml, `ambient` what other programs read, too."""


class Source(NamedTuple):
    """Where a value stands."""

    kind: SourceKind
    where: str
    """`perfctl.yaml:7:17`, `env DB_HOST`, `--dsn`."""
    context: str | None = None
    """The context whose own value it is; None for a base, a variable, a flag."""


class Given(NamedTuple):
    """A checked value and its source."""

    value: Any
    source: Source


Layer = dict[str, Given]
"""What one place gives, by dotted key: `cache.redis_url`."""
