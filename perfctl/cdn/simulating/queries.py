"""Which parts of a query string count, and what is left of one without the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from perfctl.errors import UsageError

EVERYTHING = "all"


@dataclass(frozen=True, slots=True)
class QueryRule:
    """Parameters that a cache key shall not have (`drop`, patterns such as utm_*), or alone shall have (`keep`)."""

    drop: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if "" in (*self.drop, *self.keep):
            raise UsageError("the name of a query parameter is empty", hint="such as --drop-query 'utm_*'")
        if self.drop and self.keep:
            raise UsageError(
                "--drop-query and --keep-query cannot both be", hint="say what goes, or say all that stays"
            )

    def __bool__(self) -> bool:
        return bool(self.drop or self.keep)

    @property
    def drops_all(self) -> bool:
        """Whether nothing is left of any query string."""
        return EVERYTHING in self.drop

    @property
    def text(self) -> str:
        """As it was asked for: `without utm_*`."""
        if self.keep:
            return f"query: {', '.join(self.keep)} alone"
        return "without queries" if self.drops_all else f"query without {', '.join(self.drop)}"


ANYTHING = QueryRule()
"""The whole query string counts."""


def reducer(rule: QueryRule) -> Callable[[bytes], bytes]:
    """What is left of a query string under a rule, in its order; `-` is none, as in a log.

    >>> reducer(QueryRule(drop=("utm_*",)))(b"page=2&utm_source=x")
    b'page=2'
    """
    known: dict[bytes, bool] = {}

    def stays(part: bytes) -> bool:
        name = part.partition(b"=")[0]
        if name not in known:
            if len(known) > _MOST_NAMES:
                known.clear()
            known[name] = _stays(rule, name.decode("utf-8", "replace"))
        return known[name]

    def reduced(query: bytes) -> bytes:
        if query == b"-":
            return query
        return b"&".join([part for part in query.split(b"&") if stays(part)]) or b"-"

    return (lambda query: b"-") if rule.drops_all else reduced


_MOST_NAMES = 10_000


def _stays(rule: QueryRule, name: str) -> bool:
    if rule.keep:
        return any(fnmatchcase(name, pattern) for pattern in rule.keep)
    return not any(fnmatchcase(name, pattern) for pattern in rule.drop)
