"""One answer of the edge explained: which behaviour, which policy, which rule, and what to change."""

from __future__ import annotations

from dataclasses import fields
from urllib.parse import urlsplit

from perfctl.cdn.checking.explaining.algebra import Algebra, algebra, fetched_at
from perfctl.cdn.checking.explaining.compressing import conditions
from perfctl.cdn.checking.explaining.keys import key_parts, key_url
from perfctl.cdn.checking.explaining.remedies import remedies
from perfctl.cdn.checking.explaining.said import said, said_by_configuration
from perfctl.cdn.checking.setup import BehaviourSetup, Setup
from perfctl.cdn.delivery.behaviours import DEFAULT_ERROR_TTL
from perfctl.cdn.delivery.headers import Headers
from perfctl.cdn.delivery.ttl import FOREVER_SECONDS
from perfctl.cdn.model.checks import CacheExplanation, KeyPart, MatchedBehaviour, UsedPolicy
from perfctl.cdn.model.edge import EdgeAnswer


def explain(
    answer: EdgeAnswer, request: Headers, setup: Setup | None, *, now: float, unknown: str | None = None
) -> CacheExplanation:
    """Why this answer is cached or not. `request`: the headers that were sent; `unknown`: why there is no setup."""
    url = urlsplit(answer.url)
    path, headers = url.path or "/", Headers(answer.headers)
    position, behaviour = setup.behaviour_of(path) if setup else (0, None)
    policy = behaviour.policy if behaviour else None
    at = fetched_at(headers, now=now, age=answer.age_seconds)
    error_ttl = setup.error_ttl(answer.status) if setup else DEFAULT_ERROR_TTL
    found = algebra(answer.status, headers, policy, fetched_at=at, error_ttl=error_ttl)
    kept = found.freshness
    ttl = kept.ttl if kept else None
    left = None if ttl is None else ttl - (answer.age_seconds or 0)
    full = f"/{setup.root_object}" if setup and setup.root_object and path == "/" else path
    compression = conditions(answer, request, behaviour, ttl=ttl, is_ttl_known=kept is not None)
    return CacheExplanation(
        **({each.name: getattr(answer, each.name) for each in fields(EdgeAnswer)} | {"headers": _shown(headers)}),
        verdict=_verdict(answer, found, left),
        is_cached=None if kept is None else bool(ttl),
        behaviour=_matched(setup, position, behaviour),
        policy=_used(behaviour, unknown),
        said=(
            *said(headers, forwards_cookies=_forwards_cookies(behaviour), is_kept=None if kept is None else bool(ttl)),
            *said_by_configuration(behaviour),
        ),
        steps=found.steps,
        ttl_seconds=ttl,
        expires_in_seconds=left,
        stale_while_revalidate_seconds=kept.while_revalidating if kept else 0,
        stale_if_error_seconds=None if kept and kept.if_error >= FOREVER_SECONDS else kept.if_error if kept else None,
        cache_key=key_url(full, url.query, policy) if policy else None,
        key=key_parts(full, url.query, request, policy) if policy else _without_policy(full),
        compression=compression,
        remedies=remedies(answer, headers, behaviour, ttl=ttl, is_known=kept is not None, compression=compression),
    )


def _shown(headers: Headers) -> tuple[tuple[str, str], ...]:
    """The fields, of cookies their names alone: a session must not stand in a report."""
    return tuple(
        (name, f"{value.partition('=')[0]}=(hidden)" if name.lower() == "set-cookie" else value)
        for name, value in headers
    )


def _verdict(answer: EdgeAnswer, found: Algebra, left: int | None) -> str:
    why = found.steps[-1].rule
    if found.freshness is None:
        return f"{_seen(answer)}; by what the origin says: {found.steps[0].rule}"
    ttl = found.freshness.ttl
    if answer.cache in ("hit", "refresh-hit"):
        return _served(answer, ttl, left or 0, why)
    if ttl is None:
        return f"not cached: {why}"
    if ttl == 0:
        return f"kept, and checked with the origin at each request: {why}"
    return f"{_seen(answer)}; kept for {ttl} s from now: the next request for the same key is a hit"


def _seen(answer: EdgeAnswer) -> str:
    words = {
        "hit": "served from the cache",
        "refresh-hit": "checked with the origin and served from the cache",
        "miss": "fetched from the origin",
        "error": "an error of the origin or of the edge",
    }
    return words.get(answer.cache, "the edge does not say what its cache did (no X-Cache)")


def _served(answer: EdgeAnswer, ttl: int | None, left: int, why: str) -> str:
    if ttl is None:
        return (
            f"served from the cache although by these headers it is not kept ({why}): a response headers policy or a "
            "function may have set them, or the configuration has changed since"
        )
    age = answer.age_seconds or 0
    if left < 0:
        return f"served from the cache {-left} s past its TTL of {ttl} s: stale, while it is fetched anew or on error"
    return f"{_seen(answer)}: {age} s old, kept for {ttl} s, {left} s left"


def _matched(setup: Setup | None, position: int, behaviour: BehaviourSetup | None) -> MatchedBehaviour | None:
    if setup is None or behaviour is None:
        return None
    passed = tuple(one.name for one in setup.behaviours[:position])
    return MatchedBehaviour(behaviour.pattern, position + 1, len(setup.behaviours), behaviour.target, passed)


def _used(behaviour: BehaviourSetup | None, unknown: str | None) -> UsedPolicy:
    if behaviour is None:
        return UsedPolicy("unknown", reason=unknown or "the configuration may not be read")
    policy = behaviour.policy
    if policy is None:
        return UsedPolicy("unknown", id=behaviour.policy_id, reason="it may not be read (cloudfront:GetCachePolicy)")
    return UsedPolicy(
        behaviour.kind,
        behaviour.policy_name or ("ForwardedValues of the behaviour" if behaviour.kind == "legacy" else None),
        behaviour.policy_id,
        policy.min_ttl,
        policy.default_ttl,
        policy.max_ttl,
    )


def _forwards_cookies(behaviour: BehaviourSetup | None) -> bool | None:
    """Whether any cookie goes to the origin; None where that is not known."""
    if behaviour is None or behaviour.policy is None:
        return None
    if behaviour.policy.cookies.mode != "none" or not behaviour.policy.caches:
        return True
    return behaviour.request_policy is not None and behaviour.request_policy.cookies.mode != "none"


def _without_policy(path: str) -> tuple[KeyPart, ...]:
    return (KeyPart("path", "path", path, True, "always; the rest is the policy's, which is not known"),)
