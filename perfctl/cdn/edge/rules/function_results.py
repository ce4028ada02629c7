"""What CloudFront takes of a CloudFront Function."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Any

from perfctl.cdn.edge.header_rules import of_change, of_name, of_value
from perfctl.cdn.edge.model import EdgeFunction, Event
from perfctl.cdn.edge.rules.addresses import of_read_only, of_uri

_COOKIE = re.compile(r"[;\x00\r\n]")
_COOKIE_NAME = re.compile(r"[=;\s\x00-\x1f\x7f]")
_BROKEN = re.compile(r"[\x00\r\n]")


def of_request(function: EdgeFunction, event: Event, result: Event) -> Iterator[str]:
    """The rules of a request that goes on."""
    was = event["request"]
    yield from of_read_only(result, was, "method")
    query = result.get("querystring", {})
    listed = list(_fields("querystring", query))
    yield from (reason for reason, _, _ in listed if reason)
    text = "&".join(f"{name}={value}" for reason, name, value in listed if not reason)
    yield from of_uri(result.get("uri"), text)
    yield from _headers(function, result, was, apart="cookie", made=False)
    yield from _cookies(result.get("cookies", {}))


def of_response(function: EdgeFunction, event: Event, result: Event) -> Iterator[str]:
    """The rules of a response, one that the function changed or one that it made."""
    made = function.is_for_requests
    yield from _status(result.get("statusCode"))
    if "statusDescription" in result and not isinstance(result["statusDescription"], str):
        yield "statusDescription is not a string"
    yield from _headers(function, result, event.get("response") or {}, apart="set-cookie", made=made)
    yield from _cookies(result.get("cookies", {}))
    if "body" in result:
        yield from _body(result["body"])


def _status(status: object) -> Iterator[str]:
    if status is None:
        yield "the response has no statusCode"
    elif isinstance(status, bool) or not isinstance(status, int):
        yield f"statusCode is {status!r}: it is a whole number, not {_kind(status)}"
    elif not 200 <= status <= 599:
        yield f"statusCode is {status}: it is between 200 and 599"


def _kind(value: object) -> str:
    return "a string" if isinstance(value, str) else type(value).__name__


def _headers(function: EdgeFunction, result: Event, was: Event, *, apart: str, made: bool) -> Iterator[str]:
    headers = result.get("headers", {})
    before = was.get("headers", {})
    if not isinstance(headers, dict):
        yield "headers is not an object"
        return
    for name, field in headers.items():
        yield from of_name(name)
        if name.lower() == apart:
            yield f"the header {name} is set in headers: cookies belong in the object cookies"
        wrong = [reason for reason, _, _ in _fields("headers", {name: field}) if reason]
        yield from wrong
        values = [] if wrong else [value for _, _, value in _fields("headers", {name: field})]
        then = [value for _, _, value in _fields("headers", {name: before[name]})] if name in before else []
        for value in values:
            yield from of_value(name, value)
        yield from of_change(function, name, values, then, made=made)


def _cookies(cookies: object) -> Iterator[str]:
    for reason, name, value in _fields("cookies", cookies):
        if reason:
            yield reason
        elif _COOKIE.search(value):
            yield f"the value of the cookie {name} holds {_COOKIE.search(value)[0]!r}"  # type: ignore[index]
    for name, field in cookies.items() if isinstance(cookies, dict) else ():
        if _COOKIE_NAME.search(name):
            yield f"{name[:80]!r} is not the name of a cookie"
        for attributes in _attributes(field):
            if not isinstance(attributes, str):
                yield f"the attributes of the cookie {name} are not a string"
            elif _BROKEN.search(attributes):
                yield f"the attributes of the cookie {name} hold a line break"


def _attributes(field: object) -> Iterator[object]:
    """Those of a cookie, and of each of its several values."""
    if not isinstance(field, dict):
        return
    several = field.get("multiValue")
    for one in (field, *(several if isinstance(several, list) else ())):
        if isinstance(one, dict) and "attributes" in one:
            yield one["attributes"]


def _fields(group: str, fields: object) -> Iterator[tuple[str, str, str]]:
    """Each value with its name, or the reason why there is none."""
    if not isinstance(fields, dict):
        yield f"{group} is not an object", "", ""
        return
    for name, field in fields.items():
        if not isinstance(field, dict):
            yield f"{group}.{name} is not an object with a value: write {{value: '...'}}", name, ""
            continue
        several = field.get("multiValue", [field])
        if not isinstance(several, list):
            yield f"{group}.{name}.multiValue is not an array", name, ""
            continue
        for one in several:
            value = one.get("value") if isinstance(one, dict) else None
            reason = "" if isinstance(value, str) else f"{group}.{name} has a value that is not a string"
            yield reason, name, value if isinstance(value, str) else ""


def _body(body: Any) -> Iterator[str]:
    if isinstance(body, str):
        return
    if not isinstance(body, dict):
        yield "body is neither a string nor an object with encoding and data"
        return
    encoding, data = body.get("encoding", "text"), body.get("data", "")
    if encoding not in ("text", "base64"):
        yield f"body.encoding is {encoding!r}: there are 'text' and 'base64'"
    elif not isinstance(data, str):
        yield "body.data is not a string"
    elif encoding == "base64" and not _is_base64(data):
        yield "body.encoding is 'base64', and body.data is not valid base64"


def _is_base64(data: str) -> bool:
    try:
        base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True
