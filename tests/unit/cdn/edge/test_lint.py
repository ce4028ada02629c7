"""What is found in a function without running it, with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from perfctl.cdn.edge.linting import findings_of, lint, lint_places
from perfctl.cdn.edge.model import EdgeFunction, Runtime, Trigger
from perfctl.cdn.edge.naming import Said, functions_in
from perfctl.diagnosis import Check

MODERN: Runtime = "cloudfront-js-2.0"
OLD: Runtime = "cloudfront-js-1.0"


def found(runtime: Runtime, source: str, trigger: Trigger = "viewer-request") -> list[tuple[str, int, int]]:
    function = EdgeFunction("made", runtime, trigger, source.encode())
    return [(finding.rule, finding.line, finding.column) for finding in findings_of(function)]


IN_A_HANDLER = "function handler(event) {\n%s\n}"


@pytest.mark.parametrize(
    ("source", "rule", "column"),
    [
        ("class A {}", "syntax", 1),
        ("var a = class {}", "syntax", 9),
        ("var a = event?.b", "syntax", 14),
        ("var a = event ?? 1", "syntax", 9),
        ("event ??= 1", "syntax", 1),
        ("var {a} = event", "syntax", 5),
        ("var [a] = event", "syntax", 5),
        ("event.f(...[1])", "syntax", 9),
        ("for (var a of [1]) {}", "syntax", 1),
        ("function* g() {}", "syntax", 1),
        ("function f(a = 1) {}", "syntax", 12),
        ("var a = 10n", "syntax", 9),
        ("var f = async () => 1", "syntax", 9),
        ("/a/s.test('a')", "syntax", 4),
        ("import('crypto')", "syntax", 1),
        ("setTimeout(event)", "built-in", 1),
        ("fetch('/')", "built-in", 1),
        ("eval('1')", "built-in", 1),
        ("new Function('1')", "built-in", 5),
        ("var a = new Map()", "built-in", 13),
        ("var a = process.env.A", "built-in", 9),
        ("[1].flat()", "built-in", 5),
        ("Array.from([1])", "built-in", 7),
        ("require('fs')", "module", 1),
        ("require(event)", "module", 1),
        ("console.error('a')", "console", 9),
        ("console.log('a', 'b')", "console", 9),
        ("event.request.headers['X-Cache'] = {value: 'a'}", "header", 1),
        ("event.request.headers.host = {value: 'a'}", "header", 1),
        ("event.request.headers['Accept'] = {value: 'a'}", "header-case", 1),
        ("return {statusCode: 200, headers: {'connection': {value: 'a'}}}", "header", 36),
    ],
)
def test_what_cloudfront_functions_do_not_have_is_found_at_its_place(source: str, rule: str, column: int) -> None:
    assert found(MODERN, IN_A_HANDLER % source) == [(rule, 2, column)]


@pytest.mark.parametrize(
    "source", ["let a = 1", "const a = 1", "'a'.replaceAll('a', 'b')", "Buffer.from('a')", "atob('a')", "var a = 1_000"]
)
def test_what_came_with_runtime_2_is_found_in_a_function_for_1(source: str) -> None:
    assert found(MODERN, IN_A_HANDLER % source) == []
    assert len(found(OLD, IN_A_HANDLER % source)) == 1


def test_an_async_handler_and_imports_are_for_runtime_2() -> None:
    source = "import cf from 'cloudfront';\nasync function handler(event) { await 1; return event.request }"
    assert found(MODERN, source) == []
    assert [rule for rule, _, _ in found(OLD, source)] == ["syntax", "syntax"]
    assert found(MODERN, source.replace("cloudfront'", "fs'")) == [("module", 1, 1)]


def test_names_that_the_source_declares_are_its_own() -> None:
    assert found(MODERN, "function fetch(URL) { return URL }\nfunction handler(event) { return fetch(event) }") == []


def test_a_property_is_no_built_in() -> None:
    assert found(MODERN, IN_A_HANDLER % "return event.process.Map({fetch: 1}).URL") == []


def test_a_source_without_a_handler_or_that_does_not_parse_is_found() -> None:
    assert found(MODERN, "function other() {}") == [("handler", 1, 1)]
    assert [rule for rule, _, _ in found(MODERN, "function handler( {")] == ["syntax"]


@pytest.mark.parametrize("runtime", ["nodejs", "python"])
def test_an_empty_source_has_no_handler(runtime: Runtime) -> None:
    assert found(runtime, "") == [("handler", 1, 1)]


@pytest.mark.parametrize(
    "source",
    [
        "exports.handler = async () => 1",
        "module.exports = {handler}",
        "export const handler = async () => 1",
        "export async function handler() {}",
        "function handler() {}\nexport { handler }",
    ],
)
def test_every_form_of_export_is_a_handler(source: str) -> None:
    assert found("nodejs", source) == []


@pytest.mark.parametrize(
    ("runtime", "source", "trigger", "rule", "line"),
    [
        ("nodejs", "exports.handler = async () =>\n  process.env.SECRET", "viewer-request", "environment", 2),
        ("nodejs", "exports.handler = async () =>\n  process.env['SECRET']", "viewer-request", "environment", 2),
        (
            "nodejs",
            "exports.handler = async (event) => {\n response.headers['via'] = [{value: 'a'}] }",
            "origin-response",
            "header",
            2,
        ),
        ("nodejs", "exports.handler = async (event) => {\n response.status = '404' }", "viewer-response", "status", 2),
        (
            "nodejs",
            "exports.handler = async (event) => {\n return {status: '200', headers: {'x-edge-a': [{value: 'a'}]}} }",
            "origin-request",
            "header",
            2,
        ),
        ("python", "import os\ndef lambda_handler(e, c): return os.environ['A']", "origin-request", "environment", 2),
        (
            "python",
            "import os\ndef lambda_handler(e, c): return os.environ.get('A')",
            "origin-request",
            "environment",
            2,
        ),
        ("python", "import os\ndef lambda_handler(e, c): return os.getenv('A')", "origin-request", "environment", 2),
        ("python", "async def lambda_handler(e, c): return 1", "origin-request", "handler", 1),
        ("python", "def lambda_handler(e): return 1", "origin-request", "handler", 1),
        ("python", "def lambda_handler(e, c):\n  request['headers']['via'] = []", "origin-request", "header", 2),
        (
            "python",
            "def lambda_handler(e, c):\n  return {'status': '200', 'headers': {'X-Cache': []}}",
            "origin-request",
            "header",
            2,
        ),
        ("python", "def lambda_handler(e, c)\n  return 1", "origin-request", "syntax", 1),
    ],
)
def test_what_lambda_at_edge_does_not_take_is_found(
    runtime: Runtime, source: str, trigger: Trigger, rule: str, line: int
) -> None:
    assert [(name, at) for name, at, _ in found(runtime, source, trigger)] == [(rule, line)]


def test_the_variables_that_lambda_sets_may_be_read() -> None:
    assert found("nodejs", "exports.handler = async () => process.env.AWS_REGION") == []
    assert found("python", "import os\ndef lambda_handler(e, c): return os.environ['AWS_REGION']") == []


def test_what_does_not_go_together_is_found(tmp_path: Path) -> None:
    source = b"function handler(event) { return event.request }"
    assert found(MODERN, source.decode(), "origin-request") == [("trigger", 1, 1)]
    assert found(MODERN, source.decode() + " " * 10_240) == [("size", 1, 1)]
    old = EdgeFunction("made", OLD, "viewer-request", source, store=tmp_path / "store.json")
    assert [finding.rule for finding in findings_of(old)] == ["store"]
    python = b"def lambda_handler(event, context): return 1"
    large = EdgeFunction("made", "python", "viewer-request", python, memory_mb=512)
    assert [finding.rule for finding in findings_of(large)] == ["memory"]


def test_a_package_that_is_too_large_is_found(tmp_path: Path) -> None:
    import random

    (tmp_path / "lambda_function.py").write_text("def lambda_handler(event, context): return 1")
    (tmp_path / "data.bin").write_bytes(random.Random(0).randbytes(1_200_000))
    viewer, origin = (
        EdgeFunction("made", "python", trigger, tmp_path) for trigger in ("viewer-request", "origin-request")
    )
    assert [finding.rule for finding in findings_of(viewer)] == ["size"]
    assert findings_of(origin) == ()


def test_a_finding_is_a_check_with_its_place_and_a_clean_function_passes(tmp_path: Path) -> None:
    bad, good = tmp_path / "bad.js", tmp_path / "good.js"
    bad.write_text("function handler(event) {\n  return fetch('/')\n}")
    good.write_text("function handler(event) {\n  return event.request\n}")
    functions = [EdgeFunction(one.stem, MODERN, "viewer-request", one) for one in (good, bad)]
    diagnosis = lint(functions)
    assert diagnosis.status == "fail"
    assert diagnosis.rows == (
        Check(
            "bad", "built-in", "fail", "cloudfront-js-2.0 has no fetch: there is no network", objects=(f"{bad}:2:10",)
        ),
        Check("good", "lint", "pass", "3 lines for cloudfront-js-2.0 at viewer-request"),
    )


def test_a_source_as_deep_as_it_likes_is_read() -> None:
    assert "syntax" not in {rule for rule, _, _ in found(MODERN, IN_A_HANDLER % f"return {'(' * 2000}1{')' * 2000}")}


def test_in_a_folder_a_header_that_is_wrong_is_a_finding_of_its_file(tmp_path: Path) -> None:
    body = "function handler(event) { return event.request }\n"
    (tmp_path / "good.js").write_text("// perfctl: trigger=viewer-request\n" + body)
    (tmp_path / "old.js").write_text("// perfctl: runtime=node trigger=viewer-request\n" + body)
    (tmp_path / "odd.js").write_text("// perfctl: colour=red trigger=viewer-request\n" + body)
    rows = lint_places(functions_in(str(tmp_path)), Said()).rows
    assert {row.component: row.status for row in rows} == {"good": "pass", "old.js": "fail", "odd.js": "fail"}
    told = next(row for row in rows if row.component == "old.js")
    assert "unknown runtime 'node'" in told.observed
    assert told.objects == (f"{tmp_path / 'old.js'}:1",)
