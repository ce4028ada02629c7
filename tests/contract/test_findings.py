"""Every finding of a plan: a file with a row, a planted bad plan that it finds, a healthy twin that it leaves alone."""

from __future__ import annotations

import contextlib
import copy
import json
import random
from pathlib import Path
from typing import Any

import pytest

import perfctl.db.findings
from perfctl.db.findings import FINDINGS, examine
from perfctl.db.model.plans import Finding
from perfctl.db.plans import read_plan
from perfctl.errors import UsageError
from tests.campaign import SOAKS

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


_ODD = (0, -1, 1, 0.5, 1e300, None, "", "x", "(", "a = 'b", [], {}, True)
_WHOLE = 20_000 if SOAKS else 300


@pytest.mark.parametrize("version", _VERSIONS)
def test_a_plan_that_was_tampered_with_is_examined_or_refused(version: str) -> None:
    """Whatever the reader takes for a plan can be examined."""
    dice = random.Random(None if SOAKS else 5)
    documents = [json.loads(file.read_text(encoding="utf-8")) for file in sorted((_PLANS / version / "bad").glob("*"))]
    small = [document for document in documents if len(json.dumps(document)) < 20_000]
    for _ in range(_WHOLE):
        document = copy.deepcopy(dice.choice(small))
        for _ in range(dice.randint(1, 6)):
            _tamper(document[0], dice)
        with contextlib.suppress(UsageError):
            for finding in examine(read_plan(document)):
                assert finding.code in FINDINGS


def _tamper(top: dict[str, Any], dice: random.Random) -> None:
    """Change one value, or drop it, in the plan or in one of its nodes."""
    places, todo = [top], [top["Plan"]]
    while todo:
        node = todo.pop()
        if isinstance(node, dict):
            places.append(node)
            todo += node.get("Plans") or [] if isinstance(node.get("Plans"), list) else []
    place = dice.choice(places)
    name = dice.choice([key for key in place if key not in ("Plan", "Plans")] or ["Plan Rows"])
    if dice.random() < 0.3:
        place.pop(name, None)
    else:
        place[name] = dice.choice(_ODD)
