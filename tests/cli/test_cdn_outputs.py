"""The CDN's answers as they are drawn: 80 and 120 columns, and plain; every kind of answer has a drawing."""

from __future__ import annotations

import pytest

from perfctl.cdn.doctoring.rights import least_policy
from perfctl.cdn.model.diagnoses import CdnDiagnosis
from perfctl.cdn.model.invalidations import EdgeProof, Invalidation, InvalidationReport, Invalidations, SentInvalidation
from perfctl.diagnosis import Check
from perfctl.render.cdn import VIEWS
from tests.cli.golden_files import drawn_as, golden_of

_golden = golden_of("cdn")
ARN = "arn:aws:iam::123456789012:user/deploy"

ANSWERS = {
    "invalidation": InvalidationReport(
        distribution_id="E2QWRUHAPOMQZL",
        invalidation_id="I2J0I21PCUYOIK",
        status="failed",
        paths=("/img/*", *(f"/product/{number}.html" for number in range(12))),
        items=26,
        wildcards=2,
        tags=0,
        dropped=3,
        cost_usd=0.13,
        waited_seconds=12.4,
        dry_run=False,
        invalidations=(
            SentInvalidation("E2QWRUHAPOMQZL", "I2J0I21PCUYOIK", "Completed", 13, 1, 12.4),
            SentInvalidation("E1ABCDEFGHIJKL", None, "failed", 13, 1, error="cloudfront: AccessDenied"),
        ),
        verified=(
            EdgeProof("https://www.example.com/img/logo.png", "hit", "miss", True, 4000, None),
            EdgeProof("https://www.example.com/index.html", "hit", "hit", False, 4000, 4012),
        ),
    ),
    "sent": InvalidationReport(
        distribution_id="E2QWRUHAPOMQZL",
        invalidation_id="I2J0I21PCUYOIK",
        status="InProgress",
        paths=("/index.html",),
        items=1,
        wildcards=0,
        tags=0,
        dropped=0,
        cost_usd=0.005,
        waited_seconds=0.0,
        dry_run=False,
        invalidations=(SentInvalidation("E2QWRUHAPOMQZL", "I2J0I21PCUYOIK", "InProgress", 1, 0),),
    ),
    "status": Invalidations(
        "E2QWRUHAPOMQZL",
        (
            Invalidation(
                "E2QWRUHAPOMQZL", "I2J0I21PCUYOIK", "InProgress", "2026-05-01T12:00:00+00:00", 2, 1, ("/img/*", "/a")
            ),
        ),
    ),
    "nothing": Invalidations("E2QWRUHAPOMQZL", ()),
    "doctor": CdnDiagnosis(
        "fail",
        (
            Check(
                "cdn.control", "permissions", "fail", "missing: cloudfront:GetInvalidation", "attach the policy below"
            ),
            Check("cdn.control", "endpoint", "pass", "https://cloudfront.amazonaws.com"),
            Check("cdn.control", "caller", "pass", ARN),
        ),
        ARN,
        ("cloudfront:GetInvalidation",),
        least_policy("E2QWRUHAPOMQZL", ARN, "123456789012"),
    ),
}


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", ANSWERS)
def test_a_drawing_is_the_golden_one(name: str, width: int) -> None:
    text = _drawn(name, "table", width)
    assert all(len(line) <= width for line in text.splitlines())
    assert text == _golden(f"{name}-{width}.txt", text)


@pytest.mark.parametrize("name", ANSWERS)
def test_plain_text_is_the_golden_one(name: str) -> None:
    text = _drawn(name, "plain", 80)
    assert text == _golden(f"{name}-plain.txt", text)


def test_every_kind_of_answer_has_a_drawing_and_a_golden_one() -> None:
    assert {type(answer) for answer in ANSWERS.values()} == set(VIEWS)
    assert all(kind.__module__.startswith("perfctl.cdn.model.") for kind in VIEWS)


def _drawn(name: str, output: str, width: int) -> str:
    return drawn_as(ANSWERS[name], output, width, words=("cdn", name))
