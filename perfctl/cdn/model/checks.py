"""Why an answer of the edge is cached or not, spelt out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from perfctl.cdn.model.edge import EdgeAnswer


@dataclass(frozen=True, slots=True)
class MatchedBehaviour:
    """The cache behaviour that a request falls to: the first whose pattern matches, else the default one."""

    pattern: str | None
    """None: the default behaviour."""
    position: int
    """From 1, in the order in which they are tried; the default behaviour is the last."""
    of: int
    origin_id: str
    passed_over: tuple[str, ...]
    """The patterns that were tried before it."""


@dataclass(frozen=True, slots=True)
class UsedPolicy:
    """The cache policy of that behaviour."""

    kind: Literal["managed", "own", "legacy", "unknown"]
    """`legacy`: ForwardedValues and times of the behaviour itself; `unknown`: it may not be read."""
    name: str | None = None
    id: str | None = None
    min_ttl_seconds: int | None = None
    default_ttl_seconds: int | None = None
    max_ttl_seconds: int | None = None
    reason: str | None = None
    """Why it is unknown."""


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that the answer says to caches, and what CloudFront makes of it."""

    name: str
    """`Cache-Control: s-maxage`, `Expires`, `Set-Cookie` ..."""
    value: str | None
    effect: str


@dataclass(frozen=True, slots=True)
class TtlStep:
    """One step from what the origin said to how long the edge keeps it."""

    rule: str
    ttl_seconds: int | None
    """After this step; None: not kept, or not known."""


@dataclass(frozen=True, slots=True)
class KeyPart:
    """One part of the request: whether two requests that differ in it share one cached answer."""

    part: Literal["path", "query", "header", "cookie", "encoding"]
    name: str
    value: str | None
    is_kept: bool
    why: str


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of compression at the edge."""

    condition: str
    holds: bool | None
    """None: it cannot be known from here."""
    observed: str


@dataclass(frozen=True, slots=True)
class CacheExplanation(EdgeAnswer):
    """What the edge answered, and which rule of CloudFront led to it."""

    verdict: str = ""
    """In one sentence: is it cached, for how long, or why not."""
    is_cached: bool | None = None
    """Whether the rules let the edge keep it; None: the policy is not known."""
    behaviour: MatchedBehaviour | None = None
    policy: UsedPolicy = UsedPolicy("unknown")
    said: tuple[Said, ...] = ()
    steps: tuple[TtlStep, ...] = ()
    ttl_seconds: int | None = None
    expires_in_seconds: int | None = None
    """Of the copy that was served; negative: it is past its TTL."""
    stale_while_revalidate_seconds: int = 0
    stale_if_error_seconds: int | None = None
    """None: for as long as the origin fails."""
    cache_key: str | None = None
    """Path and query as an invalidation would name them."""
    key: tuple[KeyPart, ...] = ()
    compression: tuple[Condition, ...] = ()
    remedies: tuple[str, ...] = ()
    """What to change where it is not cached, or not as meant."""
