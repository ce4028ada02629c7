"""Which headers a function may set, by trigger."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from perfctl.cdn.edge.model import EdgeFunction, Trigger

DISALLOWED = frozenset(
    {
        "connection",
        "expect",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "trailer",
        "upgrade",
        "x-accel-buffering",
        "x-accel-charset",
        "x-accel-limit-rate",
        "x-accel-redirect",
        "x-amzn-auth",
        "x-amzn-cf-billing",
        "x-amzn-cf-id",
        "x-amzn-cf-xff",
        "x-amzn-errortype",
        "x-amzn-fle-profile",
        "x-amzn-header-count",
        "x-amzn-header-order",
        "x-amzn-lambda-integration-tag",
        "x-amzn-requestid",
        "x-cache",
        "x-forwarded-proto",
        "x-real-ip",
    }
)
DISALLOWED_PREFIXES = ("x-amz-cf-", "x-edge-")
READ_ONLY: Mapping[Trigger, frozenset[str]] = {
    "viewer-request": frozenset({"cdn-loop", "content-length", "host", "transfer-encoding", "via"}),
    "origin-request": frozenset(
        {
            "accept-encoding",
            "cdn-loop",
            "content-length",
            "if-modified-since",
            "if-none-match",
            "if-range",
            "if-unmodified-since",
            "transfer-encoding",
            "via",
        }
    ),
    "origin-response": frozenset({"transfer-encoding", "via"}),
    "viewer-response": frozenset({"warning", "via"}),
}
READ_ONLY_FOR_LAMBDA: Mapping[Trigger, frozenset[str]] = {
    "viewer-response": frozenset({"content-encoding", "content-length", "transfer-encoding"}),
}
"""What CloudFront Functions may change, and Lambda@Edge may not."""
NOT_AT_VIEWER_REQUEST = "cloudfront-viewer-country"

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_BROKEN = re.compile(r"[\x00\r\n]")


def is_disallowed(name: str) -> bool:
    """Whether no function ever sees or sets this header."""
    return name.lower() in DISALLOWED or name.lower().startswith(DISALLOWED_PREFIXES)


def is_read_only(function: EdgeFunction, name: str) -> bool:
    """Whether the function sees this header and may not change it."""
    name, trigger = name.lower(), function.trigger
    return name in READ_ONLY[trigger] or (function.is_lambda and name in READ_ONLY_FOR_LAMBDA.get(trigger, ()))


def of_name(name: str) -> Iterator[str]:
    """What is wrong with a header's name as a field of `headers`."""
    if not _NAME.fullmatch(name):
        yield f"{name[:80]!r} is not the name of a header"
    elif name != name.lower():
        yield f"the header {name} is not in lower case: write {name.lower()!r}"


def of_value(name: str, value: object) -> Iterator[str]:
    """What is wrong with one value of a header."""
    if not isinstance(value, str):
        yield f"the value of the header {name} is not a string"
    elif _BROKEN.search(value):
        yield f"the value of the header {name} holds a line break"


def of_change(
    function: EdgeFunction, name: str, values: Sequence[object], was: Sequence[object], *, made: bool = False
) -> Iterator[str]:
    """Whether a function may give a header these values; `was` are those that it was called with.

    A response that the function made itself (`made`) has no headers that were there before, and none is read-only.
    """
    name, trigger = name.lower(), function.trigger
    if not values or list(values) == list(was):
        return
    done = "changed" if was else "added"
    if is_disallowed(name):
        yield f"it {done} the header {name}, which edge functions may not set"
    elif not made and is_read_only(function, name):
        yield f"it {done} the header {name}, which is read-only at {trigger}"
    elif trigger == "viewer-request" and name == NOT_AT_VIEWER_REQUEST and not made:
        yield f"it {done} the header {name}, which a viewer-request function may not set"
