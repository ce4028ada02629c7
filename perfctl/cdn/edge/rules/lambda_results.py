"""What CloudFront takes of a Lambda@Edge function."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import Any

from perfctl.cdn.edge.header_rules import of_change, of_name, of_value
from perfctl.cdn.edge.model import EdgeFunction, Event, Trigger
from perfctl.cdn.edge.rules.addresses import of_read_only, of_uri
from perfctl.cdn.edge.rules.origins import of_origin

RESPONSE_BYTES: dict[Trigger, int] = {
    "viewer-request": 40 * 1024,
    "viewer-response": 40 * 1024,
    "origin-request": 1024 * 1024,
    "origin-response": 1024 * 1024,
}
"""What a response that a function generates may have, headers and body together."""
_BODY_CHARACTERS = {
    ("viewer-request", "text"): 40_960,
    ("viewer-request", "base64"): 54_616,
    ("origin-request", "text"): 1_048_576,
    ("origin-request", "base64"): 1_398_104,
}
"""Where a request's body that a function replaces is cut."""


def of_request(function: EdgeFunction, event: Event, result: Event) -> Iterator[str]:
    """The rules of a request that goes on."""
    was = event["Records"][0]["cf"]["request"]
    yield from of_read_only(result, was, "method", "clientIp")
    query = result.get("querystring", "")
    if not isinstance(query, str):
        yield "querystring is not a string"
    yield from of_uri(result.get("uri"), query if isinstance(query, str) else "")
    yield from _headers(function, result.get("headers", {}), was.get("headers", {}), made=False)
    if "body" in result and result["body"] != was.get("body"):
        yield from _request_body(result["body"])
    if result.get("origin") != was.get("origin"):
        yield from of_origin(function, result, was)


def of_response(function: EdgeFunction, event: Event, result: Event) -> Iterator[str]:
    """The rules of a response, one that the function changed or one that it made."""
    was = event["Records"][0]["cf"].get("response") or {}
    yield from _status(function, result, was)
    if "statusDescription" in result and not isinstance(result["statusDescription"], str):
        yield "statusDescription is not a string"
    yield from _headers(function, result.get("headers", {}), was.get("headers", {}), made=function.is_for_requests)
    yield from _response_body(function, result)


def cut(function: EdgeFunction, result: Event) -> Event:
    """The result with a replaced body of the request cut to what CloudFront sends on."""
    body = result.get("body")
    if "status" in result or not isinstance(body, dict) or body.get("action") != "replace":
        return result
    most = _BODY_CHARACTERS.get((function.trigger, body.get("encoding") or "text"), 0)
    return {**result, "body": {**body, "data": body["data"][:most]}}


def _status(function: EdgeFunction, result: Event, was: Event) -> Iterator[str]:
    """A string; at origin-response the guide's own examples set a number."""
    status = result.get("status")
    text, is_number = str(status), isinstance(status, int) and not isinstance(status, bool)
    if status is None:
        yield "the response has no status"
    elif not isinstance(status, str) and not (is_number and function.trigger == "origin-response"):
        yield f"status is {status!r}: it is a string, such as '200'"
    elif not (text.isascii() and text.isdigit() and len(text) < 4 and 200 <= int(text) <= 599):
        yield f"status is {status if is_number else text[:20]!r}: it is between '200' and '599'"
    elif function.trigger == "viewer-response" and text != str(was.get("status")):
        yield f"it changed the status from {was.get('status')} to {status}, which a viewer-response function may not"


def _headers(function: EdgeFunction, headers: Any, was: Event, *, made: bool) -> Iterator[str]:
    if not isinstance(headers, dict):
        yield "headers is not an object"
        return
    for name, pairs in headers.items():
        yield from of_name(name)
        if not isinstance(pairs, list) or not all(isinstance(pair, dict) for pair in pairs):
            yield f"the header {name} is not an array of {{key, value}}"
            continue
        for pair in pairs:
            yield from of_value(name, pair.get("value"))
            if not isinstance(pair.get("key", name), str) or pair.get("key", name).lower() != name.lower():
                yield f"the header {name} has the key {pair['key']!r}: they differ by case alone"
        before = [pair["value"] for pair in was.get(name, ())]
        yield from of_change(function, name, [pair.get("value") for pair in pairs], before, made=made)


def _request_body(body: Any) -> Iterator[str]:
    if not isinstance(body, dict):
        yield "body is not an object with action, encoding and data"
        return
    action, encoding, data = body.get("action"), body.get("encoding", "text"), body.get("data")
    if action not in ("read-only", "replace"):
        yield f"body.action is {action!r}: there are 'read-only' and 'replace'"
    elif action == "replace":
        yield from _encoded("body.data", data, "body.encoding", encoding)


def _response_body(function: EdgeFunction, result: Event) -> Iterator[str]:
    if "body" not in result:
        return
    body, encoding = result["body"], result.get("bodyEncoding", "text")
    wrong = list(_encoded("body", body, "bodyEncoding", encoding))
    yield from wrong
    if wrong:
        return
    if function.trigger == "viewer-request" and result.get("status") == "204" and body:
        yield "the status is 204 (No Content), and there is a body"
    size = _size(result)
    if size > RESPONSE_BYTES[function.trigger]:
        most = RESPONSE_BYTES[function.trigger]
        yield f"the response has {size:,} bytes with its headers: at {function.trigger} there may be {most:,}"


def _encoded(name: str, data: Any, encoding_name: str, encoding: Any) -> Iterator[str]:
    if encoding not in ("text", "base64"):
        yield f"{encoding_name} is {encoding!r}: there are 'text' and 'base64'"
    elif not isinstance(data, str):
        yield f"{name} is not a string"
    elif encoding == "base64" and not _is_base64(data):
        yield f"{encoding_name} is 'base64', and {name} is not valid base64"


def _is_base64(data: str) -> bool:
    try:
        base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _size(result: Event) -> int:
    headers = result.get("headers", {})
    pairs = headers.items() if isinstance(headers, dict) else ()
    fields = sum(
        len(name) + len(str(pair.get("value"))) + 4
        for name, values in pairs
        if isinstance(values, list)
        for pair in values
        if isinstance(pair, dict)
    )
    return fields + len(result["body"].encode(errors="replace"))
