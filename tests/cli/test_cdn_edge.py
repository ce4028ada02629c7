"""`perfctl cdn edge run|test|lint` as a user runs them: what they print, and with which code they leave."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Perfctl

HEADER = "// perfctl: runtime=cloudfront-js-2.0 trigger=viewer-request\n"


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    file = tmp_path / "bad.js"
    file.write_text(
        HEADER
        + "function handler(event) {\n  event.request.headers['X-Cache'] = {value: 'a'};\n  return event.request\n}\n"
    )
    return file  # fmt: skip


def test_a_shipped_function_runs_on_a_url_without_any_configuration(perfctl: Perfctl) -> None:
    result = perfctl("cdn", "edge", "run", "normalize-url", "--url", "/a//b?utm_source=x&c=1&b=2", "-o", "json")
    assert (result.returncode, result.stderr) == (0, "")
    data = json.loads(result.stdout)["data"]
    assert (data["outcome"], data["result"]["uri"]) == ("request", "/a/b")
    assert list(data["result"]["querystring"]) == ["b", "c"]


def test_an_event_comes_from_stdin_and_a_broken_rule_leaves_with_1(perfctl: Perfctl, bad: Path) -> None:
    event = {"request": {"method": "GET", "uri": "/", "querystring": {}, "headers": {}, "cookies": {}}}
    result = perfctl("cdn", "edge", "run", str(bad), "--event", "-", "-o", "json", input=json.dumps(event))
    assert result.returncode == 1
    data = json.loads(result.stdout)["data"]
    assert (data["outcome"], data["viewer_status"]) == ("error", 502)
    assert data["violations"] == [
        "the header X-Cache is not in lower case: write 'x-cache'",
        "it added the header x-cache, which edge functions may not set",
    ]
    assert "bad.js:3:3: edge functions may not set the header X-Cache" in result.stderr


def test_findings_have_their_places_in_a_sarif_file(perfctl: Perfctl, bad: Path, tmp_path: Path) -> None:
    result = perfctl("cdn", "edge", "lint", str(bad), "--ci", f"sarif:{tmp_path / 'edge.sarif'}")
    assert result.returncode == 1
    found = json.loads((tmp_path / "edge.sarif").read_text())["runs"][0]["results"][0]
    place = found["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == bad.as_posix()
    assert place["region"] == {"startLine": 3, "startColumn": 3}


def test_a_test_that_fails_leaves_with_1_and_says_what_was_expected(perfctl: Perfctl, bad: Path) -> None:
    (bad.parent / "bad.tests.yaml").write_text("tests: [{name: it goes on, expect: {request: {uri: /}}}]")
    result = perfctl("cdn", "edge", "test", str(bad))
    assert result.returncode == 1
    assert "0 passed, 1 failed, of 1 function" in result.stdout
    assert "it failed: the header X-Cache is not in lower case" in result.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "normalise-url", "--url", "/"), "did you mean normalize-url?"),
        (("run", "normalize-url"), "give one of --event and --url"),
        (("run", "normalize-url", "--url", "/", "--header", "Accept"), "'Accept' is not a header"),
        (("run", "normalize-url", "--event", "-"), "it is not JSON"),
    ],
)
def test_what_cannot_be_run_is_told(perfctl: Perfctl, words: tuple[str, ...], said: str) -> None:
    result = perfctl("cdn", "edge", *words, input="{")
    assert (result.returncode, result.stdout) == (2, "")
    assert said in result.stderr
