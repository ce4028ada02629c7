"""What edge functions did, as it is drawn: 80 and 120 columns, and plain."""

from __future__ import annotations

import pytest

from perfctl.cdn.model.edge_functions import EdgeRun, EdgeTest, EdgeTests
from tests.cli.golden_files import drawn_as, golden_of

_golden = golden_of("cdn")

ANSWERS = {
    "edge-run": EdgeRun(
        function="rewrite",
        runtime="cloudfront-js-2.0",
        trigger="viewer-request",
        outcome="request",
        result={"method": "GET", "uri": "/docs/index.html", "querystring": {}},
        error=None,
        where=None,
        violations=(),
        viewer_status=None,
        logs=("to /docs/index.html",),
        took_us=41.0,
        compute_utilization=4,
    ),
    "edge-run-error": EdgeRun(
        function="rewrite",
        runtime="nodejs",
        trigger="origin-request",
        outcome="error",
        result={"uri": "docs", "method": "PUT"},
        error="it changed method, which is read-only (and 1 more)",
        where=None,
        violations=("it changed method, which is read-only", "uri begins with 'd' and not with a slash"),
        viewer_status=502,
        logs=(),
        took_us=812.4,
        compute_utilization=None,
    ),
    "edge-test": EdgeTests(
        passed=2,
        failed=1,
        functions=2,
        rows=(
            EdgeTest("rewrite", "a file stays", False, 33.0, None, 3, 50, ("request.uri: expected '/b', got '/a'",)),
            EdgeTest("rewrite", "a folder has an index", True, 31.0, None, 3, 50),
            EdgeTest("resize", "a picture gets smaller", True, 48_211.0, 250_000.0, None, None),
        ),
    ),
}


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_is_drawn_as_it_was_once_approved(name: str, width: int) -> None:
    text = _drawn(name, "table", width)
    assert text == _golden(f"{name}-{width}.txt", text)
    assert max(map(len, text.splitlines())) <= width


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_off_a_terminal_has_no_box(name: str) -> None:
    text = _drawn(name, "plain", 80)
    assert text == _golden(f"{name}-plain.txt", text)


def _drawn(name: str, output: str, width: int) -> str:
    return drawn_as(ANSWERS[name], output, width, words=("cdn", "edge"))
