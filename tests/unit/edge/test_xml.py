"""Reading the service's XML without being harmed by it."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfctl.sandbox.edge.problems import ServiceProblem
from perfctl.sandbox.edge.xml import check_quantities, document, element, parse, texts_of

BOMB = b"""<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;&lol;">]><lolz>&lol2;</lolz>"""
OUTSIDE = b"""<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>"""


@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        OUTSIDE,
        BOMB.decode().encode("utf-16"),
        b"<a>",
        b"<a/><b/>",
        b"\x00",
        b"<a>\xff</a>",
        b"<a>&undefined;</a>",
        b"<a>" * 41 + b"</a>" * 41,
        b"<a>" + b"<b/>" * 50_001 + b"</a>",
        b"not xml",
        b"<a>&#1;</a>",
    ],
)
def test_what_is_not_plain_bounded_xml_is_refused(text: bytes) -> None:
    with pytest.raises(ServiceProblem) as caught:
        parse(text)
    assert (caught.value.code, caught.value.status) == ("MalformedXML", 400)


@pytest.mark.parametrize("text", [b"", b"  \n"])
def test_an_empty_body_is_named_as_such(text: bytes) -> None:
    with pytest.raises(ServiceProblem) as caught:
        parse(text)
    assert caught.value.code == "MissingBody"


@given(st.binary(max_size=200) | st.text(max_size=60).map(lambda text: f"<a>{text}</a>".encode("utf-8", "replace")))
@settings(derandomize=True, max_examples=500)
def test_any_bytes_are_read_or_refused(text: bytes) -> None:
    with contextlib.suppress(ServiceProblem):
        parse(text)


def test_a_namespace_makes_no_difference_and_comes_back() -> None:
    root = parse(
        b'<Paths xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/"><Items><Path>/a</Path></Items></Paths>'
    )
    assert texts_of(root, "") == ("/a",)
    assert b'<Paths xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/">' in document(root)


def test_a_quantity_that_lies_is_found_at_any_depth() -> None:
    root = parse(b"<a><Paths><Quantity>2</Quantity><Items><Path>/a</Path></Items></Paths></a>")
    with pytest.raises(ServiceProblem) as caught:
        check_quantities(root)
    assert caught.value.code == "InconsistentQuantities"


def test_a_boolean_is_written_as_the_service_writes_it() -> None:
    assert element("Enabled", True).text == "true"
