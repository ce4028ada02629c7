"""The documented JSON of edge functions: events made of requests and responses, results read back into them."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from perfctl.cdn.edge.header_rules import is_disallowed
from perfctl.cdn.edge.model import EdgeFunction, EdgeRequest, EdgeResponse, Event, EventContext, Pairs

BODY_BYTES = {"viewer-request": 40 * 1024, "origin-request": 1024 * 1024}
"""How much of a request's body a Lambda@Edge function is shown."""


def _shown(headers: Pairs) -> Pairs:
    """The headers that a function is shown: some are never."""
    return tuple((name, value) for name, value in headers if not is_disallowed(name))


def request_event(function: EdgeFunction, request: EdgeRequest, context: EventContext | None = None) -> Event:
    """What a function at viewer-request or origin-request is called with."""
    where = context or EventContext()
    if function.is_lambda:
        return _lambda_event(function, where, {"request": _lambda_request(function, request)})
    return _function_event(function, where, request)


def response_event(
    function: EdgeFunction, request: EdgeRequest, response: EdgeResponse, context: EventContext | None = None
) -> Event:
    """What a function at origin-response or viewer-response is called with; the body is not in it."""
    where = context or EventContext()
    if function.is_lambda:
        asked = _lambda_request(function, replace(request, body=None))
        answer = {
            "status": str(response.status),
            "statusDescription": response.description,
            "headers": _lambda_headers(_shown(response.headers)),
        }
        return _lambda_event(function, where, {"request": asked, "response": answer})
    event = _function_event(function, where, request)
    headers, cookies = _without(_shown(response.headers), "set-cookie")
    event["response"] = {
        "statusCode": response.status,
        "statusDescription": response.description,
        "headers": _multi((name.lower(), {"value": value}) for name, value in headers),
        "cookies": _multi(_set_cookie(value) for value in cookies),
    }
    return event


def read_result(
    function: EdgeFunction,
    event: Event,
    result: Event,
    request: EdgeRequest,
    response: EdgeResponse | None = None,
) -> EdgeRequest | EdgeResponse:
    """The request that goes on, or the response that goes out: of a result that `check_result` has let pass.

    `event` is what the function was called with, `request` and `response` what that was made of: a query string that
    the function left alone goes on byte for byte, and so do the headers that no function is shown. Header names of
    CloudFront Functions are written as CloudFront does, each word with a capital.
    """
    read = _read_lambda(event, result, request) if function.is_lambda else _read_function(event, result, request)
    source = request if isinstance(read, EdgeRequest) else response
    hidden = tuple((name, value) for name, value in source.headers if is_disallowed(name)) if source else ()
    return replace(read, headers=read.headers + hidden)


def request_of(function: EdgeFunction, event: Event) -> EdgeRequest:
    """The request that an event is about, without a body and without the headers that no function is shown."""
    fields = event["Records"][0]["cf"] if function.is_lambda else event
    asked = fields["request"]
    pairs = _fields(asked.get("querystring"), None) if not function.is_lambda else []
    query = "&".join(f"{name}={field['value']}" for name, field in pairs) or asked.get("querystring") or ""
    client = asked.get("clientIp") if function.is_lambda else (fields.get("viewer") or {}).get("ip")
    plain = EdgeRequest()
    return EdgeRequest(
        method=asked.get("method", plain.method),
        uri=asked.get("uri", plain.uri),
        querystring=query if isinstance(query, str) else "",
        client_ip=client or plain.client_ip,
        origin=asked.get("origin"),
    )


def is_response(function: EdgeFunction, result: Mapping[str, Any]) -> bool:
    """Whether a result is a response: any at a response trigger, and at a request trigger what has a status."""
    return not function.is_for_requests or ("status" if function.is_lambda else "statusCode") in result


# Lambda@Edge


def _lambda_event(function: EdgeFunction, context: EventContext, parts: Event) -> Event:
    config = {
        "distributionDomainName": context.distribution_domain,
        "distributionId": context.distribution_id,
        "eventType": function.trigger,
        "requestId": context.request_id,
    }
    return {"Records": [{"cf": {"config": config, **parts}}]}


def _lambda_request(function: EdgeFunction, request: EdgeRequest) -> Event:
    shown: Event = {
        "clientIp": request.client_ip,
        "headers": _lambda_headers(_shown(request.headers)),
        "method": request.method,
        "querystring": request.querystring,
        "uri": request.uri,
    }
    if request.body is not None and function.trigger in BODY_BYTES:
        most = BODY_BYTES[function.trigger]
        shown["body"] = {
            "action": "read-only",
            "data": base64.b64encode(request.body[:most]).decode(),
            "encoding": "base64",
            "inputTruncated": len(request.body) > most,
        }
    if request.origin is not None and function.trigger == "origin-request":
        shown["origin"] = request.origin
    return shown


def _lambda_headers(headers: Pairs) -> Event:
    shown: dict[str, list[dict[str, str]]] = {}
    for name, value in headers:
        shown.setdefault(name.lower(), []).append({"key": name, "value": value})
    return shown


def _read_lambda(event: Event, result: Event, request: EdgeRequest) -> EdgeRequest | EdgeResponse:
    headers = tuple(
        (pair.get("key") or name, pair["value"])
        for name, pairs in (result.get("headers") or {}).items()
        for pair in pairs
    )
    if "status" in result:
        body = _text_or_base64(result["body"], result.get("bodyEncoding")) if "body" in result else None
        return EdgeResponse(int(result["status"]), result.get("statusDescription") or "", headers, body)
    sent = result.get("body")
    changed = isinstance(sent, dict) and sent.get("action") == "replace"
    body = _text_or_base64(sent["data"], sent.get("encoding")) if changed and sent else request.body
    return replace(
        request,
        uri=result["uri"],
        querystring=result.get("querystring") or "",
        headers=headers,
        body=body,
        origin=result.get("origin", request.origin),
    )


# CloudFront Functions


def _function_event(function: EdgeFunction, context: EventContext, request: EdgeRequest) -> Event:
    headers, cookies = _without(_shown(request.headers), "cookie")
    pairs = (pair.strip().partition("=") for line in cookies for pair in line.split(";") if pair.strip())
    return {
        "version": "1.0",
        "context": {
            "distributionDomainName": context.distribution_domain,
            "distributionId": context.distribution_id,
            "eventType": function.trigger,
            "requestId": context.request_id,
        },
        "viewer": {"ip": request.client_ip},
        "request": {
            "method": request.method,
            "uri": request.uri,
            "querystring": _multi(_parameter(part) for part in request.querystring.split("&") if part),
            "headers": _multi((name.lower(), {"value": value}) for name, value in headers),
            "cookies": _multi((name, {"value": value}) for name, _, value in pairs),
        },
    }


def _parameter(part: str) -> tuple[str, dict[str, str]]:
    name, _, value = part.partition("=")
    return name, {"value": value}


def _set_cookie(line: str) -> tuple[str, dict[str, str]]:
    pair, _, attributes = line.partition(";")
    name, _, value = pair.strip().partition("=")
    field = {"value": value}
    if attributes.strip():
        field["attributes"] = attributes.strip()
    return name, field


def _without(headers: Pairs, apart: str) -> tuple[Pairs, tuple[str, ...]]:
    """The other headers, and the values of the one that is told apart."""
    rest = tuple((name, value) for name, value in headers if name.lower() != apart)
    return rest, tuple(value for name, value in headers if name.lower() == apart)


def _multi(fields: Iterable[tuple[str, dict[str, str]]]) -> Event:
    """One field a name; where a name comes twice, the first value again among all of them."""
    grouped: dict[str, list[dict[str, str]]] = {}
    for name, field in fields:
        grouped.setdefault(name, []).append(field)
    return {
        name: {**values[0], "multiValue": values} if len(values) > 1 else dict(values[0])
        for name, values in grouped.items()
    }


def _read_function(event: Event, result: Event, request: EdgeRequest) -> EdgeRequest | EdgeResponse:
    if "statusCode" in result:
        was = event.get("response") or {}
        headers = _headers_of(result, was) + tuple(
            ("Set-Cookie", "; ".join(filter(None, (f"{name}={field['value']}", field.get("attributes")))))
            for name, field in _fields(result.get("cookies"), was.get("cookies"))
        )
        body = _body_of(result["body"]) if "body" in result else None
        return EdgeResponse(result["statusCode"], result.get("statusDescription") or "", headers, body)
    was = event["request"]
    cookies = "; ".join(
        f"{name}={field['value']}" for name, field in _fields(result.get("cookies"), was.get("cookies"))
    )
    same = list(result.get("querystring", {}).items()) == _in_order(was.get("querystring", {}))
    query = (
        request.querystring
        if same
        else "&".join(
            f"{name}={field['value']}" for name, field in _fields(result.get("querystring"), was.get("querystring"))
        )
    )
    headers = _headers_of(result, was) + ((("Cookie", cookies),) if cookies else ())
    return replace(request, uri=result["uri"], querystring=query, headers=headers)


def _in_order(fields: Event) -> list[tuple[str, Any]]:
    """The fields in the order in which JavaScript keeps them: names that are numbers first, by size."""
    return sorted(fields.items(), key=lambda item: (0, int(item[0])) if _is_index(item[0]) else (1, 0))


def _is_index(name: str) -> bool:
    return name.isascii() and name.isdigit() and str(int(name[:20])) == name and int(name) < 2**32 - 1


def _headers_of(result: Event, was: Event) -> Pairs:
    return tuple(
        ("-".join(word[:1].upper() + word[1:] for word in name.split("-")), field["value"])
        for name, field in _fields(result.get("headers"), was.get("headers"))
    )


def _fields(fields: Event | None, was: Event | None) -> list[tuple[str, Event]]:
    """Each value by the documented rules: a `multiValue` counts where it was changed, else the changed `value`."""
    listed = []
    for name, field in (fields or {}).items():
        several = field.get("multiValue")
        if not several:
            listed.append((name, field))
            continue
        before = (was or {}).get(name, {})
        values = list(several)
        if several == before.get("multiValue") and field.get("value") != before.get("value"):
            values[0] = {**values[0], "value": field["value"]}
        listed += [(name, value) for value in values]
    return listed


def _body_of(body: Any) -> bytes:
    if isinstance(body, str):
        return body.encode()
    return _text_or_base64(body.get("data", ""), body.get("encoding"))


def _text_or_base64(data: str, encoding: str | None) -> bytes:
    return base64.b64decode(data) if encoding == "base64" else data.encode()
