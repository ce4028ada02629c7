"""Every condition under which the edge compresses an answer, and whether it holds for this one."""

from __future__ import annotations

from perfctl.cdn.checking.setup import BehaviourSetup
from perfctl.cdn.delivery.cache_key import normalised_encodings
from perfctl.cdn.delivery.compression import CONTENT_TYPES, LARGEST_BYTES, SMALLEST_BYTES, STATUSES
from perfctl.cdn.delivery.headers import Headers
from perfctl.cdn.delivery.policies import CachePolicy
from perfctl.cdn.model.checks import Condition
from perfctl.cdn.model.edge import EdgeAnswer
from perfctl.units import format_count

_BOTH = CachePolicy(gzip=True, brotli=True)


def conditions(
    answer: EdgeAnswer, request: Headers, behaviour: BehaviourSetup | None, *, ttl: int | None, is_ttl_known: bool
) -> tuple[Condition, ...]:
    """Those of the developer guide ("Serve compressed files"), in its order."""
    headers = Headers(answer.headers)
    accepted = request.get("accept-encoding") or ""
    policy = behaviour.policy if behaviour else None
    size, coding = answer.size_bytes, answer.content_encoding
    return (
        Condition("the viewer takes br or gzip", bool(normalised_encodings(accepted, _BOTH)), accepted or "nothing"),
        _switched(behaviour),
        _enabled(policy, accepted),
        Condition(
            "the answer is kept (TTL above 0)",
            bool(ttl) if is_ttl_known else None,
            f"TTL {ttl} s" if ttl is not None else "not kept" if is_ttl_known else "the policy is not known",
        ),
        Condition("status 200, 403 or 404", answer.status in STATUSES, str(answer.status)),
        Condition("a type that CloudFront compresses", is_listed(answer.content_type), answer.content_type or "none"),
        Condition(
            "1,000 to 10,000,000 bytes",
            None if coding else SMALLEST_BYTES <= size <= LARGEST_BYTES,
            f"{format_count(size)} bytes {coding}" if coding else f"{format_count(size)} bytes",
        ),
        Condition(
            "the origin sends Content-Length",
            None if coding else headers.get("content-length") is not None,
            f"came as {coding}" if coding else f"Content-Length: {headers.get('content-length') or 'absent'}",
        ),
        Condition(
            "the origin has not compressed it", None if coding else True, f"Content-Encoding: {coding or 'none'}"
        ),
    )


def is_listed(content_type: str | None) -> bool:
    """Whether a type is one of those that the edge compresses."""
    return (content_type or "").partition(";")[0].strip().lower() in CONTENT_TYPES


def _switched(behaviour: BehaviourSetup | None) -> Condition:
    name = "the behaviour compresses (Compress: true)"
    if behaviour is None:
        return Condition(name, None, "the configuration is not known")
    return Condition(name, behaviour.compresses, f"Compress: {str(behaviour.compresses).lower()}")


def _enabled(policy: CachePolicy | None, accepted: str) -> Condition:
    name = "the policy enables that encoding"
    if policy is None:
        return Condition(name, None, "the policy is not known")
    if policy.headers.mode == "whitelist" and "accept-encoding" in policy.headers.names:
        return Condition(
            name, False, "Accept-Encoding is listed as a header: CloudFront leaves compression to the origin"
        )
    enabled = [coding for coding, on in (("br", policy.brotli), ("gzip", policy.gzip)) if on]
    return Condition(name, bool(normalised_encodings(accepted, policy)), ", ".join(enabled) or "neither br nor gzip")
