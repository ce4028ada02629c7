"""Every finding of a plan: a file with a row, a planted bad plan that it finds, a healthy twin that it leaves alone."""

from __future__ import annotations

from pathlib import Path

import pytest

import perfctl.db.findings
from perfctl.db.findings import FINDINGS, examine
from perfctl.db.model.plans import Finding
from perfctl.db.plans import read_plan

_PLANS = Path(__file__).parents[1] / "fixtures" / "plans"
_VERSIONS = ("pg15", "pg18")
_NO_JIT = "pg18"
"""The wheel's PostgreSQL 18 compiles nothing, so it has no plan of jit_overhead."""

PLANTED = [
    (version, code) for version in _VERSIONS for code in FINDINGS if (version, code) != (_NO_JIT, "jit_overhead")
]


def _findings(version: str, kind: str, code: str) -> tuple[Finding, ...]:
    return examine(read_plan((_PLANS / version / kind / f"{code}.json").read_text(encoding="utf-8")))


def test_every_file_has_a_row_and_every_row_a_file() -> None:
    """A new finding is one file with `look`, and one row in FINDINGS."""
    folder = Path(perfctl.db.findings.__file__).parent
    files = {file.stem for file in folder.glob("*.py") if "\ndef look(" in file.read_text(encoding="utf-8")}
    assert files == set(FINDINGS)
    assert len(FINDINGS) == len(set(FINDINGS))


@pytest.mark.parametrize("version", _VERSIONS)
def test_every_plan_is_of_a_row(version: str) -> None:
    for kind in ("bad", "good"):
        assert {file.stem for file in (_PLANS / version / kind).glob("*.json")} - set(FINDINGS) == set()


@pytest.mark.parametrize(("version", "code"), PLANTED)
def test_a_planted_cause_is_among_the_first_three(version: str, code: str) -> None:
    told = [finding.code for finding in _findings(version, "bad", code)[:3] if finding.severity != "info"]
    assert code in told


@pytest.mark.parametrize(("version", "code"), PLANTED)
def test_a_healthy_twin_is_not_warned_of(version: str, code: str) -> None:
    assert [finding for finding in _findings(version, "good", code) if finding.severity != "info"] == []


@pytest.mark.parametrize(("version", "code"), PLANTED)
def test_a_finding_says_where_why_and_what_next(version: str, code: str) -> None:
    found = next(finding for finding in _findings(version, "bad", code) if finding.code == code)
    for text in (found.node, found.evidence, found.cause, found.next_step):
        assert text.strip() == text
        assert text
        assert "None" not in text
        assert "\n" not in text


@pytest.mark.parametrize(("version", "code"), PLANTED)
def test_findings_come_worst_first(version: str, code: str) -> None:
    ranks = [("critical", "warning", "info").index(finding.severity) for finding in _findings(version, "bad", code)]
    assert ranks == sorted(ranks)


@pytest.mark.parametrize("code", FINDINGS)
def test_a_rule_says_its_thresholds_reason(code: str) -> None:
    text = (Path(perfctl.db.findings.__file__).parent / f"{code}.py").read_text(encoding="utf-8")
    docstring = text.split('"""')[1]
    assert len(docstring.strip().splitlines()) >= 3, "the second paragraph says why the numbers are these"
