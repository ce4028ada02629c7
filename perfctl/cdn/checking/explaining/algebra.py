"""The TTL algebra, step by step: what the origin said, which directive wins, what the policy makes of it.

The result is that of `delivery.ttl.freshness`, which the edge of the sandbox goes by; here every step is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from perfctl.cdn.delivery.headers import Headers, directives
from perfctl.cdn.delivery.policies import CachePolicy
from perfctl.cdn.delivery.ttl import (
    ERRORS_ALWAYS_KEPT,
    ERRORS_KEPT_WHEN_ASKED,
    FOREVER_SECONDS,
    Freshness,
    freshness,
)
from perfctl.cdn.model.checks import TtlStep

FORBIDDING = ("no-store", "no-cache", "private")
"""The directives upon which CloudFront keeps an answer for no longer than the minimum TTL."""


@dataclass(frozen=True, slots=True)
class Algebra:
    """For how long an answer may be kept, and the steps that lead there."""

    steps: tuple[TtlStep, ...]
    freshness: Freshness | None
    """None where the policy is not known."""


def algebra(status: int, headers: Headers, policy: CachePolicy | None, *, fetched_at: float, error_ttl: int) -> Algebra:
    """The steps for an answer that was fetched at `fetched_at` (UNIX seconds)."""
    if policy is None:
        return Algebra(_without_policy(status, headers, fetched_at), None)
    result = freshness(status, headers, policy, now=fetched_at, error_ttl=error_ttl)
    return Algebra(_steps(status, headers, policy, fetched_at, error_ttl, result.ttl), result)


def asked(headers: Headers, fetched_at: float) -> TtlStep | None:
    """What the origin asks for: s-maxage before max-age before Expires; None where it asks for nothing."""
    rules = directives(headers.get("cache-control"))
    known = [(name, value) for name in ("s-maxage", "max-age") if (value := seconds(rules, name)) is not None]
    expires = headers.get("expires")
    if known:
        (name, value), *rest = known
        beaten = [f"{other}={number}" for other, number in rest] + (["Expires"] if expires is not None else [])
        won = f" wins over {' and '.join(beaten)}" if beaten else " is what the origin asks for"
        return TtlStep(f"{name}={value}{won}", value)
    if expires is None:
        return None
    moment = _moment(expires)
    if moment is None:
        return TtlStep(f"Expires {expires!r} is no date: taken for the past", 0)
    return TtlStep(f"Expires - Date = {int(moment - fetched_at)} s", max(int(moment - fetched_at), 0))


def seconds(rules: Mapping[str, str | None], name: str) -> int | None:
    """A directive's seconds; None where it is absent or no number."""
    text = rules.get(name)
    if text is None or not (text.isascii() and text.isdigit()):
        return None
    return min(int(text[:12]), FOREVER_SECONDS)


def fetched_at(headers: Headers, *, now: float, age: int | None) -> float:
    """When the edge fetched an answer: the origin's own Date, else its age before now."""
    return _moment(headers.get("date") or "") or now - (age or 0)


def _moment(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


def _without_policy(status: int, headers: Headers, at: float) -> tuple[TtlStep, ...]:
    rules = directives(headers.get("cache-control"))
    if status >= 400:
        return (TtlStep(f"an error {status} is kept for 10 s, or as the distribution says", None),)
    if forbidden := [name for name in FORBIDDING if name in rules]:
        return (
            TtlStep(f"{' and '.join(forbidden)}: kept for the minimum TTL of the policy, which is not known", None),
        )
    wanted = asked(headers, at)
    if wanted is None:
        return (TtlStep("nothing is asked for: the default TTL of the policy holds, which is not known", None),)
    return (wanted, TtlStep("within the minimum and maximum TTL of the policy, which are not known", None))


def _steps(
    status: int, headers: Headers, policy: CachePolicy, at: float, error_ttl: int, ttl: int | None
) -> tuple[TtlStep, ...]:
    if not policy.caches:
        why = "all headers go to the origin" if policy.headers.mode == "all" else "the policy's maximum TTL is 0"
        return (TtlStep(f"{why}: nothing is kept, whatever the origin says", None),)
    if status >= 400:
        return _error_steps(status, headers, policy, at, error_ttl, ttl)
    if status < 200 or status in (206, 304):
        return (TtlStep(f"an answer {status} is not kept", None),)
    forbidden = [name for name in FORBIDDING if name in directives(headers.get("cache-control"))]
    if forbidden:
        return (_forbidden(" and ".join(forbidden), policy.min_ttl),)
    wanted = asked(headers, at)
    if wanted is None:
        rule = f"no max-age, s-maxage or Expires: max(min {policy.min_ttl}, default {policy.default_ttl}) = {ttl} s"
        return (TtlStep(rule, ttl),)
    return (wanted, _clamped(wanted.ttl_seconds or 0, policy, ttl or 0))


def _forbidden(names: str, min_ttl: int) -> TtlStep:
    if min_ttl > 0:
        return TtlStep(f"{names} with min TTL {min_ttl}: kept for {min_ttl} s all the same", min_ttl)
    return TtlStep(f"{names} with min TTL 0: not kept", None)


def _clamped(wanted: int, policy: CachePolicy, ttl: int) -> TtlStep:
    return TtlStep(f"clamp({wanted}, min {policy.min_ttl}, max {policy.max_ttl}) = {ttl} s", ttl)


def _error_steps(
    status: int, headers: Headers, policy: CachePolicy, at: float, error_ttl: int, ttl: int | None
) -> tuple[TtlStep, ...]:
    wanted = asked(headers, at)
    if status not in ERRORS_ALWAYS_KEPT and (status not in ERRORS_KEPT_WHEN_ASKED or wanted is None):
        when = "only where the origin asks for it" if status in ERRORS_KEPT_WHEN_ASKED else "never"
        return (TtlStep(f"an error {status} is kept {when}: not kept", None),)
    asks = "nothing is asked for" if wanted is None else wanted.rule
    least = f"max(min({(wanted.ttl_seconds if wanted else 0) or 0}, max {policy.max_ttl}), error min TTL {error_ttl})"
    return (
        TtlStep(f"an error {status}: {asks}", wanted.ttl_seconds if wanted else None),
        TtlStep(f"{least} = {ttl or 0} s", ttl),
    )
