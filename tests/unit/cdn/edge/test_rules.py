"""Each rule of CloudFront about what a function returns, with its reason."""

# ruff: noqa: E501 - a rule stands on its line

from __future__ import annotations

import base64
import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfctl.cdn.edge.events import read_result, request_event, response_event
from perfctl.cdn.edge.model import (
    TRIGGERS,
    EdgeFunction,
    EdgeFunctionError,
    EdgeRequest,
    EdgeResponse,
    Event,
    Runtime,
    Trigger,
)
from perfctl.cdn.edge.rules import check_result
from perfctl.cdn.edge.trying import SOME_ORIGIN
from tests.campaign import campaign

REQUEST = EdgeRequest(
    uri="/a",
    querystring="b=1&c",
    headers=(("Host", "www.example.com"), ("Accept-Encoding", "br"), ("Via", "1.1 a"), ("Cookie", "s=1; t=2")),
    origin=SOME_ORIGIN,
)
RESPONSE = EdgeResponse(headers=(("Content-Type", "text/html"), ("Via", "1.1 b"), ("Set-Cookie", "s=1; Path=/")))


def function_at(trigger: Trigger, runtime: Runtime = "nodejs") -> EdgeFunction:
    return EdgeFunction("made", runtime, trigger, b"")


def event_at(function: EdgeFunction) -> Event:
    if function.is_for_requests:
        return request_event(function, REQUEST)
    return response_event(function, REQUEST, RESPONSE)


def given_to(function: EdgeFunction) -> Event:
    """What the function would return that changes nothing."""
    event = event_at(function)
    fields = event["Records"][0]["cf"] if function.is_lambda else event
    part: Event = copy.deepcopy(fields["request" if function.is_for_requests else "response"])
    return part


def reasons(function: EdgeFunction, result: Any) -> tuple[str, ...]:
    try:
        check_result(function, event_at(function), result)
    except EdgeFunctionError as error:
        assert (error.status, error.fault) == (502, "validation")  # noqa: PT017 - what is asked is in the error
        return error.reasons
    return ()


def changed(**fields: Any) -> Callable[[Event], Event]:
    return lambda event: {**event, **fields}


def with_headers(**headers: Any) -> Callable[[Event], Event]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda event: {**event, "headers": {**event["headers"], **named}}


def pairs(*values: str) -> list[dict[str, str]]:
    return [{"value": value} for value in values]


def custom(**fields: Any) -> Callable[[Event], Event]:
    return lambda event: {**event, "origin": {"custom": {**SOME_ORIGIN["custom"], **fields}}}


def s3(**fields: Any) -> Callable[[Event], Event]:
    bucket = {"authMethod": "none", "customHeaders": {}, "domainName": "b.s3.amazonaws.com", "path": "", "region": ""}
    return lambda event: {**event, "origin": {"s3": {**bucket, **fields}}}


LAMBDA: list[tuple[Trigger, Callable[[Event], Any], str]] = [
    ("viewer-request", lambda event: None, "the function returned nothing, where CloudFront wants a request or a response"),
    ("viewer-response", lambda event: 5, "the function returned a number, where CloudFront wants a response"),
    ("origin-request", lambda event: [event], "the function returned an array, where"),
    ("origin-request", lambda event: {"Records": []}, "the function returned the whole event"),
    ("viewer-request", changed(method="PUT"), "it changed method, which is read-only"),
    ("viewer-request", changed(clientIp="1.1.1.1"), "it changed clientIp, which is read-only"),
    ("viewer-request", changed(uri="a"), "uri begins with 'a' and not with a slash"),
    ("viewer-request", changed(uri=""), "uri is empty"),
    ("viewer-request", changed(uri=5), "uri is not a string"),
    ("viewer-request", changed(uri="/\n"), "uri holds '\\n', a control character"),
    ("viewer-request", changed(querystring="a b"), "querystring holds ' ', a space"),
    ("viewer-request", changed(querystring="a#b"), "querystring holds '#', the fragment's sign"),
    ("viewer-request", changed(querystring={}), "querystring is not a string"),
    ("origin-request", changed(uri="/" + "a" * 8190), "uri and querystring have 8,197 characters together: there may be 8,191"),
    ("viewer-request", changed(headers=[]), "headers is not an object"),
    ("viewer-request", with_headers(Accept=pairs("a")), "the header Accept is not in lower case: write 'accept'"),
    ("viewer-request", with_headers(**{"a b": pairs("a")}), "'a b' is not the name of a header"),
    ("viewer-request", with_headers(accept="a"), "the header accept is not an array of {key, value}"),
    ("viewer-request", with_headers(accept=[{"value": 5}]), "the value of the header accept is not a string"),
    ("viewer-request", with_headers(accept=pairs("a\r\nb: c")), "the value of the header accept holds a line break"),
    ("viewer-request", with_headers(accept=[{"key": "X", "value": "a"}]), "the header accept has the key 'X'"),
    ("viewer-request", with_headers(connection=pairs("close")), "it added the header connection, which edge functions may not set"),
    ("origin-response", with_headers(x_edge_a=pairs("1")), "it added the header x-edge-a, which edge functions may not set"),
    ("origin-response", with_headers(x_amz_cf_id=pairs("1")), "it added the header x-amz-cf-id, which edge functions"),
    ("viewer-request", with_headers(host=pairs("other")), "it changed the header host, which is read-only at viewer-request"),
    ("viewer-request", with_headers(cloudfront_viewer_country=pairs("DE")), "which a viewer-request function may not set"),
    ("origin-request", with_headers(accept_encoding=pairs("gzip")), "it changed the header accept-encoding, which is read-only at origin-request"),
    ("origin-request", with_headers(if_none_match=pairs("x")), "it added the header if-none-match, which is read-only"),
    ("origin-response", with_headers(transfer_encoding=pairs("x")), "it added the header transfer-encoding, which is read-only"),
    ("viewer-response", with_headers(via=pairs("x")), "it changed the header via, which is read-only at viewer-response"),
    ("viewer-response", with_headers(warning=pairs("x")), "it added the header warning, which is read-only"),
    ("viewer-response", changed(status="404"), "it changed the status from 200 to 404, which a viewer-response function may not"),
    ("viewer-request", lambda event: {"status": 302}, "status is 302: it is a string, such as '200'"),
    ("origin-response", changed(status=199), "status is 199: it is between '200' and '599'"),
    ("origin-response", changed(status=True), "status is True: it is a string"),
    ("viewer-request", with_headers(cdn_loop=pairs("x")), "it added the header cdn-loop, which is read-only at viewer-request"),
    ("origin-request", with_headers(cdn_loop=pairs("x")), "it added the header cdn-loop, which is read-only at origin-request"),
    ("viewer-response", with_headers(content_encoding=pairs("br")), "content-encoding, which is read-only at viewer-response"),
    ("viewer-response", with_headers(content_length=pairs("1")), "content-length, which is read-only at viewer-response"),
    ("origin-request", custom(path="/a\r\nb"), "it holds a space or a control character"),
    ("origin-request", custom(domainName="a.example.com\r\nX: 1"), "a name, without a port"),
    ("origin-request", s3(domainName="b\n.s3.amazonaws.com"), "a bucket's name in lower case"),
    ("origin-request", custom(customHeaders={"x-a": [{"key": "X-A: 1\r\nX-B", "value": "1"}]}), "they differ by case alone"),
    ("viewer-request", lambda event: {"status": "199"}, "status is '199': it is between '200' and '599'"),
    ("viewer-request", lambda event: {"status": "abc"}, "status is 'abc'"),
    ("origin-response", lambda event: {"headers": {}}, "the response has no status"),
    ("origin-response", lambda event: {"uri": "/", "method": "GET"}, "the function returned a request: at origin-response it returns the response"),
    ("viewer-request", lambda event: {"status": "204", "body": "x"}, "the status is 204 (No Content), and there is a body"),
    ("viewer-request", lambda event: {"status": "200", "body": "x" * 40_961}, "the response has 40,961 bytes with its headers: at viewer-request there may be 40,960"),
    ("origin-request", lambda event: {"status": "200", "body": "x" * 1_048_577}, "at origin-request there may be 1,048,576"),
    ("origin-response", lambda event: {"status": "200", "body": 5}, "body is not a string"),
    ("origin-response", lambda event: {"status": "200", "body": "a", "bodyEncoding": "gzip"}, "bodyEncoding is 'gzip'"),
    ("origin-response", lambda event: {"status": "200", "body": "ä", "bodyEncoding": "base64"}, "body is not valid base64"),
    ("origin-response", lambda event: {"status": "200", "statusDescription": 5}, "statusDescription is not a string"),
    ("origin-request", changed(body="x"), "body is not an object with action, encoding and data"),
    ("origin-request", changed(body={"action": "drop"}), "body.action is 'drop'"),
    ("origin-request", changed(body={"action": "replace", "encoding": "x", "data": ""}), "body.encoding is 'x'"),
    ("origin-request", changed(body={"action": "replace", "encoding": "base64", "data": "?"}), "body.data is not valid base64"),
    ("viewer-request", custom(), "it set an origin: that is for origin-request, not for viewer-request"),
    ("origin-request", changed(origin={}), "origin is not an object with custom or s3"),
    ("origin-request", changed(origin={"custom": {}, "s3": {}}), "origin has both custom and s3"),
    ("origin-request", custom(domainName=""), "origin.custom.domainName is empty"),
    ("origin-request", custom(domainName="10.0.0.1"), "origin.custom.domainName is '10.0.0.1': a name"),
    ("origin-request", custom(domainName="a:80"), "origin.custom.domainName is 'a:80'"),
    ("origin-request", custom(domainName="a" * 254), "longer than 253 characters"),
    ("origin-request", custom(port=81), "origin.custom.port is 81: it is 80, 443 or from 1024 to 65535"),
    ("origin-request", custom(port="443"), "origin.custom.port is '443'"),
    ("origin-request", custom(protocol="ftp"), "origin.custom.protocol is 'ftp'"),
    ("origin-request", custom(readTimeout=0), "origin.custom.readTimeout is 0: it is from 1 to 120 seconds"),
    ("origin-request", custom(sslProtocols=["TLSv9"]), "origin.custom.sslProtocols is ['TLSv9']"),
    ("origin-request", custom(path="a"), "origin.custom.path is 'a': it begins with a slash"),
    ("origin-request", custom(path="/a/"), "origin.custom.path is '/a/'"),
    ("origin-request", custom(path="/" + "a" * 255), "origin.custom.path is longer than 255 characters"),
    ("origin-request", custom(customHeaders={"x-cache": pairs("1")}), "origin.custom.customHeaders sets x-cache, which edge functions may not set"),
    ("origin-request", custom(customHeaders={"host": pairs("1")}), "sets host, which stands in the request's headers, too"),
    ("origin-request", s3(domainName="Bucket"), "origin.s3.domainName is 'Bucket'"),
    ("origin-request", s3(authMethod="key"), "origin.s3.authMethod is 'key'"),
    ("origin-request", s3(authMethod="origin-access-identity"), "origin.s3.region is empty"),
]  # fmt: skip

FUNCTION: list[tuple[Trigger, Callable[[Event], Any], str]] = [
    ("viewer-request", lambda event: None, "the function returned nothing"),
    ("viewer-request", lambda event: {"request": event, "context": {}}, "the function returned the whole event"),
    ("viewer-request", changed(method="PUT"), "it changed method, which is read-only"),
    ("viewer-request", changed(uri="a"), "uri begins with 'a'"),
    ("viewer-request", lambda event: {"headers": {}}, "the request has no uri"),
    ("viewer-request", changed(querystring="a=1"), "querystring is not an object"),
    ("viewer-request", changed(querystring={"a": "1"}), "querystring.a is not an object with a value: write {value: '...'}"),
    ("viewer-request", changed(querystring={"a": {"value": 1}}), "querystring.a has a value that is not a string"),
    ("viewer-request", changed(querystring={"a": {"value": "b c"}}), "querystring holds ' ', a space"),
    ("viewer-request", changed(querystring={"a": {"value": "1", "multiValue": 5}}), "querystring.a.multiValue is not an array"),
    ("viewer-request", with_headers(Accept={"value": "a"}), "the header Accept is not in lower case"),
    ("viewer-request", with_headers(accept="a"), "headers.accept is not an object with a value"),
    ("viewer-request", with_headers(cookie={"value": "a=1"}), "cookies belong in the object cookies"),
    ("viewer-request", with_headers(x_cache={"value": "a"}), "it added the header x-cache, which edge functions may not set"),
    ("viewer-request", with_headers(host={"value": "a"}), "it changed the header host, which is read-only"),
    ("viewer-request", changed(cookies={"a": {"value": "1;2"}}), "the value of the cookie a holds ';'"),
    ("viewer-request", changed(cookies=5), "cookies is not an object"),
    ("viewer-request", changed(cookies={"a\r\nX: 1": {"value": "1"}}), "'a\\r\\nX: 1' is not the name of a cookie"),
    ("viewer-response", changed(cookies={"a": {"value": "1", "attributes": "Path=/\r\nX: 1"}}), "the attributes of the cookie a hold a line break"),
    ("viewer-response", changed(cookies={"a": {"value": "1", "multiValue": [{"value": "1", "attributes": "\n"}]}}), "the attributes of the cookie a hold"),
    ("viewer-response", changed(cookies={"a": {"value": "1", "multiValue": [{"value": "1", "attributes": 5}]}}), "the attributes of the cookie a are not"),
    ("viewer-request", lambda event: {"statusCode": "302"}, "statusCode is '302': it is a whole number, not a string"),
    ("viewer-request", lambda event: {"statusCode": 99}, "statusCode is 99: it is between 200 and 599"),
    ("viewer-request", lambda event: {"statusCode": True}, "statusCode is True"),
    ("viewer-response", lambda event: {"headers": {}}, "the response has no statusCode"),
    ("viewer-response", lambda event: {"uri": "/"}, "the function returned a request: at viewer-response"),
    ("viewer-response", changed(statusDescription=5), "statusDescription is not a string"),
    ("viewer-response", changed(body=5), "body is neither a string nor an object with encoding and data"),
    ("viewer-response", changed(body={"encoding": "gzip", "data": ""}), "body.encoding is 'gzip'"),
    ("viewer-response", changed(body={"encoding": "base64", "data": "?"}), "body.data is not valid base64"),
    ("viewer-response", changed(body={"data": 5}), "body.data is not a string"),
    ("viewer-response", with_headers(via={"value": "a"}), "it changed the header via, which is read-only"),
    ("viewer-response", with_headers(set_cookie={"value": "a=1"}), "cookies belong in the object cookies"),
    ("viewer-response", changed(cookies={"a": {"value": "1", "attributes": 5}}), "the attributes of the cookie a are not a string"),
]  # fmt: skip


@pytest.mark.parametrize(("trigger", "change", "reason"), LAMBDA)
def test_a_rule_of_lambda_at_edge_has_its_reason(trigger: Trigger, change: Callable[[Event], Any], reason: str) -> None:
    function = function_at(trigger)
    assert any(reason in said for said in reasons(function, change(given_to(function))))


@pytest.mark.parametrize(("trigger", "change", "reason"), FUNCTION)
def test_a_rule_of_cloudfront_functions_has_its_reason(
    trigger: Trigger, change: Callable[[Event], Any], reason: str
) -> None:
    function = function_at(trigger, "cloudfront-js-2.0")
    assert any(reason in said for said in reasons(function, change(given_to(function))))


WELL: list[tuple[Runtime, Trigger, Callable[[Event], Any]]] = [
    *(("nodejs", trigger, lambda event: event) for trigger in TRIGGERS),
    ("cloudfront-js-2.0", "viewer-request", lambda event: event),
    ("cloudfront-js-2.0", "viewer-response", lambda event: event),
    ("cloudfront-js-2.0", "viewer-response", changed(statusCode=404, body="gone")),
    ("cloudfront-js-2.0", "viewer-request", lambda event: {"statusCode": 301, "headers": {"location": {"value": "/b"}}}),
    ("cloudfront-js-2.0", "viewer-request", with_headers(accept={"value": "a", "multiValue": pairs("a", "b")})),
    ("cloudfront-js-2.0", "viewer-response", with_headers(content_encoding={"value": "br"})),
    ("nodejs", "origin-response", changed(status=200, body="Body generation example")),
    ("nodejs", "viewer-request", lambda event: {"status": "204"}),
    ("nodejs", "origin-response", changed(status="503", body="", headers={})),
    ("nodejs", "viewer-request", lambda event: {"status": "200", "headers": {"host": pairs("a")}, "body": "a"}),
    ("nodejs", "origin-request", with_headers(host=pairs("b.s3.amazonaws.com"))),
    ("nodejs", "origin-request", s3()),
    ("nodejs", "origin-request", custom(domainName="b.example.com", customHeaders={"x-key": pairs("1")})),
    ("nodejs", "origin-request", lambda event: {"status": "200", "body": "x" * 1_000_000}),
]  # fmt: skip


@pytest.mark.parametrize(("runtime", "trigger", "change"), WELL)
def test_what_is_documented_is_taken(runtime: Runtime, trigger: Trigger, change: Callable[[Event], Any]) -> None:
    function = function_at(trigger, runtime)
    assert reasons(function, change(given_to(function))) == ()


def test_all_that_is_wrong_is_told_at_once() -> None:
    function = function_at("viewer-request")
    result = {**given_to(function), "uri": "a", "method": "PUT"}
    with pytest.raises(
        EdgeFunctionError, match=r"made: it changed method.* \(and 1 more\); CloudFront answers 502"
    ) as caught:
        check_result(function, event_at(function), result)
    assert len(caught.value.reasons) == 2
    assert caught.value.result_type == "LambdaValidationError"


@pytest.mark.parametrize(("trigger", "most"), [("viewer-request", 40_960), ("origin-request", 1_048_576)])
def test_a_replaced_body_is_cut_where_cloudfront_cuts_it(trigger: Trigger, most: int) -> None:
    function = function_at(trigger)
    event = request_event(function, replace(REQUEST, method="POST", body=b"short"))
    body = {"action": "replace", "encoding": "text", "data": "x" * (most + 5)}
    result = check_result(function, event, {**event["Records"][0]["cf"]["request"], "body": body})
    answer = read_result(function, event, result, REQUEST)
    assert isinstance(answer, EdgeRequest)
    assert len(answer.body or b"") == most


# What a function gets, and what goes on of what it returns


@pytest.mark.parametrize("runtime", ["nodejs", "cloudfront-js-2.0"])
def test_a_request_that_was_left_alone_goes_on_as_it_came(runtime: Runtime) -> None:
    function = function_at("viewer-request", runtime)
    event = event_at(function)
    answer = read_result(function, event, given_to(function), REQUEST)
    assert isinstance(answer, EdgeRequest)
    assert (answer.uri, answer.querystring) == ("/a", "b=1&c")
    assert sorted(answer.headers) == sorted(REQUEST.headers)


def test_a_cloudfront_function_sees_duplicates_and_cookies_as_documented() -> None:
    function = function_at("viewer-request", "cloudfront-js-2.0")
    asked = EdgeRequest(
        querystring="a=1&b&a=2", headers=(("Accept", "x"), ("accept", "y"), ("Cookie", "c=1; d=2; c=3"))
    )
    request = request_event(function, asked)["request"]
    assert request["querystring"] == {"a": {"value": "1", "multiValue": pairs("1", "2")}, "b": {"value": ""}}
    assert request["headers"] == {"accept": {"value": "x", "multiValue": pairs("x", "y")}}
    assert request["cookies"] == {"c": {"value": "1", "multiValue": pairs("1", "3")}, "d": {"value": "2"}}


def test_a_changed_value_beside_an_unchanged_multivalue_changes_the_first() -> None:
    function = function_at("viewer-request", "cloudfront-js-2.0")
    asked = EdgeRequest(querystring="a=1&a=2")
    event = request_event(function, asked)
    for query, sent in (
        ({"a": {"value": "9", "multiValue": pairs("1", "2")}}, "a=9&a=2"),
        ({"a": {"value": "9", "multiValue": pairs("1", "3")}}, "a=1&a=3"),
        ({"a": {"value": "9"}}, "a=9"),
        ({}, ""),
    ):
        answer = read_result(function, event, {"uri": "/", "querystring": query}, asked)
        assert isinstance(answer, EdgeRequest)
        assert answer.querystring == sent


@pytest.mark.parametrize("runtime", ["nodejs", "cloudfront-js-2.0"])
def test_headers_that_no_function_is_shown_go_on_all_the_same(runtime: Runtime) -> None:
    function = function_at("viewer-request", runtime)
    asked = EdgeRequest(headers=(("Accept", "a"), ("X-Amz-Cf-Id", "1"), ("X-Forwarded-Proto", "https")))
    event = request_event(function, asked)
    request = event["Records"][0]["cf"]["request"] if function.is_lambda else event["request"]
    assert list(request["headers"]) == ["accept"]
    assert read_result(function, event, request, asked) == asked
    answer = EdgeResponse(headers=(("Content-Type", "text/html"), ("X-Cache", "Hit from cloudfront")))
    at_response = function_at("viewer-response", runtime)
    event = response_event(at_response, asked, answer)
    response = event["Records"][0]["cf"]["response"] if function.is_lambda else event["response"]
    assert list(response["headers"]) == ["content-type"]
    assert read_result(at_response, event, response, asked, answer) == answer


def test_parameters_that_are_sorted_alone_are_sent_sorted() -> None:
    function = function_at("viewer-request", "cloudfront-js-2.0")
    asked = EdgeRequest(querystring="b=1&a=2&c&10=x&9=y")
    event = request_event(function, asked)
    query = event["request"]["querystring"]
    for order, sent in (
        (("9", "10", "a", "b", "c"), "9=y&10=x&a=2&b=1&c="),
        (("9", "10", "b", "a", "c"), asked.querystring),
    ):
        answer = read_result(function, event, {"uri": "/", "querystring": {name: query[name] for name in order}}, asked)
        assert isinstance(answer, EdgeRequest)
        assert answer.querystring == sent


def test_a_response_keeps_its_cookies_attributes_and_gets_its_headers_in_capitals() -> None:
    function = function_at("viewer-response", "cloudfront-js-2.0")
    event = response_event(function, REQUEST, RESPONSE)
    result = {**event["response"], "headers": {"x-frame-options": {"value": "DENY"}}}
    answer = read_result(function, event, check_result(function, event, result), REQUEST)
    assert answer == EdgeResponse(200, "OK", (("X-Frame-Options", "DENY"), ("Set-Cookie", "s=1; Path=/")))


@pytest.mark.parametrize("runtime", ["nodejs", "cloudfront-js-2.0"])
def test_a_body_comes_as_text_or_as_base64(runtime: Runtime) -> None:
    function = function_at("viewer-request", runtime)
    data = base64.b64encode(b"\x00\xff").decode()
    made = (
        {"status": "200", "body": data, "bodyEncoding": "base64"}
        if function.is_lambda
        else {"statusCode": 200, "body": {"encoding": "base64", "data": data}}
    )
    answer = read_result(function, event_at(function), made, REQUEST)
    assert answer == EdgeResponse(200, "", (), b"\x00\xff")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    [
        *("uri", "method", "querystring", "headers", "cookies", "body", "origin", "clientIp", "status", "statusCode"),
        *("statusDescription", "bodyEncoding", "multiValue", "value"),
    ]
)


@given(
    runtime=st.sampled_from(["nodejs", "cloudfront-js-2.0", "cloudfront-js-1.0"]),
    trigger=st.sampled_from(TRIGGERS),
    changes=st.dictionaries(FIELDS, JSON | st.dictionaries(st.text(max_size=8), JSON, max_size=2), max_size=4),
    whole=JSON,
    is_whole=st.booleans(),
)
@campaign(200, 4_000)
def test_whatever_is_returned_is_taken_or_refused_with_a_reason(
    runtime: Runtime, trigger: Trigger, changes: Event, whole: Any, is_whole: bool
) -> None:
    """And what is taken can be read."""
    function = function_at(trigger, runtime)
    event = event_at(function)
    result = whole if is_whole else {**given_to(function), **changes}
    try:
        taken = check_result(function, event, result)
    except EdgeFunctionError as error:
        assert error.reasons  # noqa: PT017 - either is an answer
        return
    assert isinstance(read_result(function, event, taken, REQUEST), EdgeRequest | EdgeResponse)
