"""Checks for a CI: annotations on stderr, JUnit and SARIF files, and a refusal where there are no checks."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.cli.frame import invoke


def test_github_gets_annotations_on_stderr_and_stdout_stays_the_answer() -> None:
    outcome = invoke("frame", "doctor", "--ci", "github", "-o", "json")
    assert (outcome.code, json.loads(outcome.out)["data"]["status"]) == (1, "fail")
    assert outcome.err == (
        "::error title=perfctl frame doctor%3A postgres tls::plaintext%0Ato db.internal; to mend: sslmode=verify-full\n"
        "::warning title=perfctl frame doctor%3A redis maxmemory%2C policy::"
        "noeviction at 91 %25; to mend: CONFIG SET maxmemory-policy allkeys-lru\n"
    )


def test_junit_has_a_case_for_each_check(tmp_path: Path) -> None:
    file = tmp_path / "report.xml"
    assert invoke("frame", "doctor", "--ci", f"junit:{file}").code == 1
    suite = ElementTree.fromstring(file.read_text())
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("4", "1", "1")
    assert [(case.get("classname"), [child.tag for child in case]) for case in suite] == [
        ("postgres", ["failure"]),
        ("redis", ["system-out"]),
        ("redis", []),
        ("cdn", ["skipped"]),
    ]


def test_sarif_has_a_result_for_each_check(tmp_path: Path) -> None:
    file = tmp_path / "report.sarif"
    invoke("frame", "doctor", "--ci", f"sarif:{file}", "--ci", f"junit:{tmp_path / 'both.xml'}")
    document = json.loads(file.read_text())
    (run,) = document["runs"]
    assert document["version"] == "2.1.0"
    assert [(result["ruleId"], result["level"]) for result in run["results"]] == [
        ("postgres.tls", "error"),
        ("redis.maxmemory,-policy", "warning"),
        ("redis.connect", "none"),
        ("cdn.edge", "none"),
    ]
    assert (tmp_path / "both.xml").exists()


def test_a_file_that_cannot_be_written_is_a_usage_error(tmp_path: Path) -> None:
    outcome = invoke("frame", "doctor", "--ci", f"junit:{tmp_path}/nowhere/report.xml")
    assert (outcome.code, outcome.out) == (2, "")
    assert "--ci: cannot write" in outcome.err
    assert "  try:    name a file in a folder that is there and can be written\n" in outcome.err


@pytest.mark.parametrize("words", [("frame", "rows", "1"), ("schema",), ("completion", "bash")], ids=" ".join)
def test_a_command_without_checks_refuses_before_it_does_anything(words: tuple[str, ...]) -> None:
    outcome = invoke(*words, "--ci", "github")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.splitlines()[0].endswith("makes no checks")
