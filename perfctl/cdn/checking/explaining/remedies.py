"""What to change where an answer is not cached, or not as it is meant."""

from __future__ import annotations

from collections.abc import Sequence

from perfctl.cdn.checking.explaining.algebra import FORBIDDING, seconds
from perfctl.cdn.checking.setup import BehaviourSetup
from perfctl.cdn.delivery.compression import LARGEST_BYTES, SMALLEST_BYTES
from perfctl.cdn.delivery.headers import Headers, directives
from perfctl.cdn.delivery.policies import CACHING_OPTIMIZED
from perfctl.cdn.model.checks import Condition
from perfctl.cdn.model.edge import EdgeAnswer


def remedies(
    answer: EdgeAnswer,
    headers: Headers,
    behaviour: BehaviourSetup | None,
    *,
    ttl: int | None,
    is_known: bool,
    compression: Sequence[Condition],
) -> tuple[str, ...]:
    """Each with the setting or header; none where all is well."""
    if not is_known:
        return ("perfctl cdn doctor names the permissions with which the policy can be read",)
    return (*_caching(answer, headers, behaviour, ttl), *_compressing(answer, compression))


def _caching(answer: EdgeAnswer, headers: Headers, behaviour: BehaviourSetup | None, ttl: int | None) -> list[str]:
    rules = directives(headers.get("cache-control"))
    forbidden = [name for name in FORBIDDING if name in rules]
    name = behaviour.name if behaviour else "default"
    if behaviour is not None and not behaviour.caches:
        return [f"if every visitor may see the same: CachePolicyId: {CACHING_OPTIMIZED} on behaviour {name}"]
    if answer.status >= 400:
        return [f"mend the origin: it answers {answer.status}"]
    if forbidden and ttl:
        what = "kept against no-cache" if forbidden == ["no-cache"] else "private content is shared"
        return [
            f"{what} for {ttl} s: a policy with MinTTL 0 on behaviour {name}, or one of its own"
            " with CachingDisabled for this path"
        ]
    if forbidden:
        return ["if every visitor may see the same: send Cache-Control: public, s-maxage=60 in its place"]
    if not ttl:
        return ["send Cache-Control: s-maxage=60 (the edge's alone), or raise MinTTL of the policy"]
    if headers.get("set-cookie") is not None:
        return ["send no Set-Cookie with what is cached: every visitor of a hit would get it"]
    if all(seconds(rules, each) is None for each in ("s-maxage", "max-age")) and headers.get("expires") is None:
        return [f"say for how long it may be kept: Cache-Control: max-age=...; now the default, {ttl} s, decides"]
    return []


def _compressing(answer: EdgeAnswer, found: Sequence[Condition]) -> list[str]:
    """What stands in the way of compression, where the type is a text and it came as it is."""
    is_whole = answer.size_bytes >= SMALLEST_BYTES and answer.status < 400
    if answer.content_encoding or not is_whole or not _is_text(answer.content_type):
        return []
    failing = {condition.condition: condition for condition in found if condition.holds is False}
    mended = {
        "the behaviour compresses (Compress: true)": "Compress: true on the behaviour",
        "the policy enables that encoding": "EnableAcceptEncodingGzip and -Brotli in the cache policy, and no "
        "Accept-Encoding among its headers",
        "the origin sends Content-Length": "have the origin send Content-Length: without it nothing is compressed",
        "a type that CloudFront compresses": f"compress {answer.content_type} at the origin: CloudFront does not",
    }
    said = [remedy for condition, remedy in mended.items() if condition in failing]
    if answer.size_bytes > LARGEST_BYTES:
        said.append("over 10,000,000 bytes the edge does not compress: do it at the origin")
    return [f"not compressed: {remedy}" for remedy in said]


def _is_text(content_type: str | None) -> bool:
    kind = (content_type or "").partition(";")[0].strip().lower()
    return kind.startswith("text/") or kind.endswith(("+json", "+xml", "/json", "/xml", "javascript", "/wasm"))
