"""How a value is to be had when it is missing: what one caller asks for where the configuration says otherwise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

from perfctl.cache.keys import tags_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """The terms of a `get_or_set` or of a decorated function. None is as configured, for the namespace or for all."""

    ttl: float | None = None
    tags: tuple[str, ...] = ()
    sliding: bool = False
    """Each read gives the value its TTL anew."""
    soft_timeout: float | None = None
    """Seconds after which a caller is given the stale value, where there is one."""
    hard_timeout: float | None = None
    """Seconds after which a caller gets TimedOutError."""
    fail_safe: bool | None = None
    """Whether a stale value may stand in. False: errors and time-outs reach the caller."""
    eager: float | None = None
    """The share of the TTL after which a read refreshes the value in the background; 0: never."""
    negative_ttl: float | None = None
    """How long a None lives."""
    keep_if: Callable[[Any], bool] | None = None
    """Whether to keep what the factory returned; None: always. What is not kept is returned all the same."""
    takes_refresh: bool | None = None
    """Whether the factory wants a Refresh; None: it does if it must be given one argument."""


DEFAULT_CALL = Call()


class CallOptions(TypedDict, total=False):
    """What `get_or_set` and `get_or_set_many` may be told; see `Call`."""

    ttl: float | None
    tags: Sequence[str]
    sliding: bool
    soft_timeout: float | None
    hard_timeout: float | None
    fail_safe: bool | None
    eager: float | None
    negative_ttl: float | None


def call_of(options: CallOptions, *, takes_refresh: bool | None = None) -> Call:
    """The terms that a caller names. UsageError for tags that are one text."""
    fields: dict[str, Any] = {**options, "tags": tags_of(options.get("tags", ())), "takes_refresh": takes_refresh}
    return Call(**fields)
