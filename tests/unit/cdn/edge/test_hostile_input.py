"""Whatever a source or an event holds, there is an answer: no crash, no hang, no traceback."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfctl.cdn.edge.events import request_event, response_event
from perfctl.cdn.edge.linting import findings_of
from perfctl.cdn.edge.model import RUNTIMES, TRIGGERS, EdgeFunction, EdgeFunctionError, EdgeRequest, EdgeResponse
from perfctl.cdn.edge.running import open_runner
from perfctl.cdn.edge.trying import check_event
from perfctl.errors import UsageError
from tests.campaign import SOAKS, campaign

WORDS = st.sampled_from(
    [
        *(
            "function",
            "handler",
            "event",
            "(",
            ")",
            "{",
            "}",
            "=>",
            "async",
            "await",
            "class",
            "?.",
            "??",
            "...",
            "`${",
        ),
        *(
            "headers",
            "['X-Cache']",
            "=",
            ".via",
            "import",
            "from",
            "'cloudfront'",
            ";",
            "\n",
            "require(",
            "/a/s",
            "1_0n",
        ),
        *("def", "lambda_handler", ":", "os.environ[", "return", "  ", '"', "'", "\\", "\x00", "é", "😀", "\ud800"[:0]),
    ]
)
SOURCES = st.lists(WORDS, max_size=40).map(" ".join) | st.text(max_size=200) | st.binary(max_size=200)


@given(source=SOURCES, runtime=st.sampled_from(RUNTIMES), trigger=st.sampled_from(TRIGGERS))
@campaign(150, 4_000)
def test_whatever_a_source_holds_it_is_linted(source: str | bytes, runtime: Any, trigger: Any) -> None:
    content = source.encode(errors="replace") if isinstance(source, str) else source
    for finding in findings_of(EdgeFunction("made", runtime, trigger, content)):
        assert finding.line >= 1
        assert finding.column >= 1
        assert finding.said


HEADER = st.tuples(st.text(max_size=10), st.text(max_size=20))
REQUESTS = st.builds(
    EdgeRequest,
    method=st.text(max_size=6),
    uri=st.text(max_size=30),
    querystring=st.text(alphabet="ab=&%é#1 ", max_size=30),
    headers=st.lists(HEADER | st.just(("Cookie", "a=1; ;=;b")), max_size=4).map(tuple),
    body=st.none() | st.binary(max_size=20),
)
RESPONSES = st.builds(
    EdgeResponse,
    status=st.integers(100, 999),
    description=st.text(max_size=10),
    headers=st.lists(HEADER | st.just(("Set-Cookie", ";=;")), max_size=4).map(tuple),
)


@given(request=REQUESTS, response=RESPONSES, runtime=st.sampled_from(RUNTIMES), trigger=st.sampled_from(TRIGGERS))
@campaign(150, 6_000)
def test_whatever_is_asked_is_an_event_of_the_documented_form(
    request: EdgeRequest, response: EdgeResponse, runtime: Any, trigger: Any
) -> None:
    function = EdgeFunction("made", runtime, trigger, b"")
    event = (
        request_event(function, request) if function.is_for_requests else response_event(function, request, response)
    )
    assert check_event(function, json.loads(json.dumps(event))) == event


ECHO = (
    "function handler(event) { console.log(event); var r = event.request; r.uri = r.uri + r.headers.host.value;"
    " return event.response || r }"
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
EVENTS = st.fixed_dictionaries({"request": JSON, "response": JSON}) | st.dictionaries(st.text(max_size=8), JSON)


@pytest.mark.parametrize("runtime", ["cloudfront-js-1.0", "cloudfront-js-2.0"])
def test_whatever_an_event_holds_the_function_ends(runtime: Any) -> None:
    """One worker for all of them: a hostile event must not spoil the next."""
    events: list[Any] = []

    @given(event=EVENTS)
    @campaign(100, 2_000)
    def collected(event: Any) -> None:
        events.append(event)

    collected()
    function = EdgeFunction("made", runtime, "viewer-request", ECHO.encode())
    plain = request_event(function, EdgeRequest(headers=(("Host", "h"),)))

    async def ran() -> int:
        runner = await open_runner(function)
        failed = 0
        for event in events:
            try:
                await runner.call(event)
            except EdgeFunctionError as error:
                failed += bool(error.reason)
        after = await runner.call(plain)
        await runner.close()
        assert after.result["uri"] == "/h"
        return failed

    assert 0 <= asyncio.run(ran()) <= len(events)
    assert len(events) >= (2_000 if SOAKS else 50)


@pytest.mark.parametrize("depth", [100, 100_000])
def test_an_event_as_deep_as_it_likes_has_an_answer(depth: int) -> None:
    function = EdgeFunction("made", "cloudfront-js-2.0", "viewer-request", b"function handler(e) { return e.request }")
    deep: Any = "x"
    for _ in range(depth):
        deep = [deep]

    async def ran() -> str:
        runner = await open_runner(function)
        try:
            return str(type((await runner.call({"request": deep})).result))
        except (EdgeFunctionError, UsageError) as error:
            return error.message
        finally:
            await runner.close()

    assert asyncio.run(ran())
