"""Functions by name, their headers, and the tables of tests beside them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from perfctl.cdn.edge.model import EdgeFunction, Runtime
from perfctl.cdn.edge.naming import Said, find_function, functions_in
from perfctl.cdn.edge.tables import read_table
from perfctl.cdn.edge.testing import run_tables
from perfctl.cdn.edge.trying import check_event, event_of, try_function
from perfctl.cdn.model.edge_functions import EdgeTests
from perfctl.errors import UsageError

HEADER = "// perfctl: runtime=cloudfront-js-2.0 trigger=viewer-request\n"
REWRITE = (
    HEADER + "function handler(event) { event.request.uri += 'index.html'; console.log('done'); return event.request }"
)


def ran_on(folder: Path, table: str, source: str = REWRITE, name: str = "rewrite.js") -> EdgeTests:
    (folder / name).write_text(source)
    (folder / f"{Path(name).stem}.tests.yaml").write_text(table)
    return asyncio.run(run_tables(functions_in(str(folder))))


def failures(folder: Path, expected: str, request: str = "{uri: /}") -> tuple[str, ...]:
    table = f"tests:\n  - name: it\n    request: {request}\n    expect: {expected}\n"
    return ran_on(folder, table).rows[0].failures


def test_a_header_says_what_a_function_is(tmp_path: Path) -> None:
    file = tmp_path / "resize.py"
    file.write_text("# perfctl: runtime=python trigger=origin-response memory=512 handler=main\ndef main(e, c): pass")
    assert find_function(str(file)) == EdgeFunction("resize", "python", "origin-response", file, "main", 512)


def test_flags_stand_over_the_header(tmp_path: Path) -> None:
    file = tmp_path / "a.js"
    file.write_text(HEADER)
    said = find_function(str(file), Said(trigger="viewer-response", handler="main"))
    assert (said.runtime, said.trigger, said.handler) == ("cloudfront-js-2.0", "viewer-response", "main")


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("", "nothing says at which trigger it runs"),
        ("// perfctl: trigger=viewer", "unknown trigger 'viewer'"),
        ("// perfctl: trigger=viewer-request runtime=node", "unknown runtime 'node'"),
        ("// perfctl: trigger=viewer-request memory=9", "memory=9"),
        ("// perfctl: trigger", "'trigger' in the header"),
        ("// perfctl: colour=red", "'colour=red' in the header"),
        ("// perfctl: trigger='viewer", "the header is not complete"),
    ],
)
def test_a_header_that_is_wrong_is_told(tmp_path: Path, header: str, reason: str) -> None:
    file = tmp_path / "a.js"
    file.write_text(f"{header}\nfunction handler() {{}}")
    with pytest.raises(UsageError, match=r"a\.js") as caught:
        find_function(str(file))
    assert reason in caught.value.message


def test_a_name_that_is_neither_a_file_nor_shipped_is_told() -> None:
    with pytest.raises(UsageError, match="no function of that name is shipped"):
        find_function("no-such-function")


def test_a_test_passes_where_everything_expected_is_so(tmp_path: Path) -> None:
    table = """
budget_percent: 100
tests:
  - name: a folder
    request: {uri: "/docs/?a=1", headers: {accept: text/html}}
    expect: {request: {uri: /docs/index.html, querystring: a=1, headers: {Accept: text/html, x: null}}, logs: done}
"""
    tests = ran_on(tmp_path, table)
    assert (tests.passed, tests.failed, tests.functions) == (1, 0, 1)
    row = tests.rows[0]
    assert (row.function, row.test, row.budget_percent, row.failures) == ("rewrite", "a folder", 100, ())


@pytest.mark.parametrize(
    ("expected", "failure"),
    [
        ("{request: {uri: /b}}", "request.uri: expected '/b', got '/index.html'"),
        ("{request: {headers: {host: a}}}", "request.headers.host: expected 'a', got 'd111111abcdef8.cloudfront.net'"),
        ("{request: {headers: {x: [a, b]}}}", "request.headers.x: expected 'a', 'b', got none"),
        ("{response: {status: 200}}", "expected a response, got a request"),
        ("{error: boom}", "expected an error, got a request"),
        ("{logs: nothing}", "logs: 'nothing' is not in ['done']"),
    ],
)
def test_what_is_not_as_expected_is_a_sentence(tmp_path: Path, expected: str, failure: str) -> None:
    assert failures(tmp_path, expected) == (failure,)


def test_an_expected_error_is_compared_by_its_reason(tmp_path: Path) -> None:
    source = HEADER + "function handler(event) { return {uri: 'x'} }"
    table = "tests: [{name: a, expect: {error: and not with a slash}}, {name: b, expect: {error: other}}]"
    tests = ran_on(tmp_path, table, source)
    assert [(row.test, row.passed) for row in tests.rows] == [("b", False), ("a", True)]
    assert tests.rows[0].failures == ("error: expected 'other', got \"uri begins with 'x' and not with a slash\"",)


def test_a_function_that_does_not_load_fails_each_of_its_tests(tmp_path: Path) -> None:
    tests = ran_on(tmp_path, "tests: [{name: a, expect: {}}, {name: b, expect: {}}]", HEADER + "function handler(")
    assert (tests.passed, tests.failed) == (0, 2)
    assert tests.rows[0].failures[0].startswith("it does not load: SyntaxError")


def test_a_budget_that_is_passed_fails_the_test(tmp_path: Path) -> None:
    source = HEADER + "function handler(event) { for (var i = 0; i < 2e5; i++) {} return event.request }"
    tests = ran_on(tmp_path, "budget_us: 1\ntests: [{name: a, expect: {}}]", source)
    assert tests.rows[0].failures[0].endswith("us, and may take 1")


def test_a_tests_clock_is_what_it_says(tmp_path: Path) -> None:
    source = HEADER + "function handler(event) { return {statusCode: 200, body: new Date().toISOString()} }"
    table = "tests: [{name: a, now: 2026-01-31T12:00:00Z, expect: {response: {body: '2026-01-31T12:00:00.000Z'}}}]"
    assert ran_on(tmp_path, table, source).failed == 0


def test_a_fresh_test_sees_no_global_of_another(tmp_path: Path) -> None:
    source = HEADER + "var calls = 0; function handler(event) { return {statusCode: 200, body: String(++calls)} }"
    table = "fresh: true\ntests: [{name: a, expect: &one {response: {body: '1'}}}, {name: b, expect: *one}]"
    assert ran_on(tmp_path, table, source).failed == 0


def test_a_lambda_function_is_tested_by_the_same_table(tmp_path: Path) -> None:
    source = (
        "# perfctl: runtime=python trigger=origin-request\ndef lambda_handler(event, context):\n"
        "  request = event['Records'][0]['cf']['request']\n"
        "  request['origin']['custom']['domainName'] = 'b.example.com'\n  return request"
    )
    table = "tests: [{name: a, expect: {request: {origin: {custom: {domainName: b.example.com}}}}}]"
    assert ran_on(tmp_path, table, source, "choose.py").rows[0].passed


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ("tests: [", "it is not YAML"),
        ("", "is missing"),
        ("tests: []", "it has no tests"),
        ("test: []", "unknown key 'test'"),
        ("tests: [5]", "is int"),
        ("tests: [{name: a}]", "expect is missing"),
        ("tests: [{name: a, expect: {status: 200}}]", "unknown key 'status'"),
        ("tests: [{name: a, expect: {response: {code: 200}}}]", "unknown key 'code'"),
        ("tests: [{name: a, expect: {}, request: {url: /}}]", "unknown key 'url'"),
        ("tests: [{name: a, expect: {}, budget_us: fast}]", "'fast' is not a number"),
        ("tests: [{name: a, expect: {}, now: soon}]", "'soon' is not a time"),
        ("tests: [{name: a, expect: {}, response: {status: ok}}]", "status is 'ok'"),
    ],
)
def test_a_table_that_is_wrong_is_told(tmp_path: Path, table: str, reason: str) -> None:
    file = tmp_path / "a.tests.yaml"
    file.write_text(table)
    with pytest.raises(UsageError, match=r"a\.tests\.yaml") as caught:
        read_table(file)
    assert reason in caught.value.message


def test_functions_without_any_table_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text(REWRITE)
    with pytest.raises(UsageError, match="there are no tests"):
        asyncio.run(run_tables(functions_in(str(tmp_path))))


def test_one_call_tells_outcome_cost_and_what_is_broken(tmp_path: Path) -> None:
    file = tmp_path / "a.js"
    file.write_text(HEADER + "function handler(event) { return {uri: 'x', headers: {'x-cache': {value: '1'}}} }")
    function = find_function(str(file))
    table = "tests: [{name: a, expect: {}}]"
    (tmp_path / "a.tests.yaml").write_text(table)
    test = read_table(tmp_path / "a.tests.yaml")[0]
    ran = asyncio.run(try_function(function, event_of(function, test.request, test.response)))
    assert (ran.outcome, ran.viewer_status) == ("error", 502)
    assert ran.violations == (
        "uri begins with 'x' and not with a slash",
        "it added the header x-cache, which edge functions may not set",
    )


def test_an_event_of_ones_own_is_what_goes_on(tmp_path: Path) -> None:
    table = """
tests:
  - name: as it came
    event: {viewer: {ip: 192.0.2.9}, request: {method: POST, uri: /, querystring: {a: {value: "1"}, b: {value: ""}}}}
    expect: {request: {method: POST, uri: /index.html, querystring: "a=1&b=", client_ip: 192.0.2.9}}
  - name: without what is optional
    event: {request: {uri: /}}
    expect: {request: {uri: /index.html, querystring: ""}}
"""
    assert [row.failures for row in ran_on(tmp_path, table).rows] == [(), ()]


@pytest.mark.parametrize(
    ("runtime", "request_", "said"),
    [
        ("nodejs", {"headers": 5}, "request.headers of the event is not an object"),
        ("nodejs", {"headers": {"host": "h"}}, "request.headers.host of the event"),
        ("nodejs", {"headers": {"host": [{"key": "Host"}]}}, "request.headers.host of the event"),
        ("cloudfront-js-2.0", {"headers": {"host": [{"value": "h"}]}}, "request.headers.host of the event"),
        ("cloudfront-js-2.0", {"querystring": "a=1"}, "request.querystring of the event is not an object"),
        ("cloudfront-js-2.0", {"cookies": {"a": {"value": "1", "multiValue": 5}}}, "request.cookies.a of the event"),
    ],
)
def test_fields_of_an_event_that_are_of_another_form_are_told(runtime: Runtime, request_: object, said: str) -> None:
    function = EdgeFunction("a", runtime, "viewer-request", b"")
    event = {"Records": [{"cf": {"request": request_}}]} if function.is_lambda else {"request": request_}
    with pytest.raises(UsageError, match=said):
        check_event(function, event)


@pytest.mark.parametrize("event", [[], {}, {"request": 5}, {"Records": []}])
def test_an_event_of_another_form_is_refused(event: object) -> None:
    for runtime in ("cloudfront-js-2.0", "nodejs"):
        with pytest.raises(UsageError, match="the event"):
            check_event(EdgeFunction("a", runtime, "viewer-request", b""), event)


def test_a_table_that_is_not_yaml_is_told_with_its_line_and_what_it_looks_like(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="it is not YAML") as caught:
        ran_on(tmp_path, "tests:\n  - [\n")
    assert "a table is tests: and a list" in (caught.value.hint or "")
