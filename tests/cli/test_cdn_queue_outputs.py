"""The queue's answers and the bill as they are drawn: 80 and 120 columns, and plain."""

from __future__ import annotations

import pytest

from perfctl.cdn.model.invalidations import InvalidationReport, SentInvalidation
from perfctl.cdn.model.queue import (
    QueueCancelled,
    Queued,
    QueuedDistribution,
    QueuedItem,
    QueueHolder,
    QueueRun,
    QueueStatus,
    QueueTurn,
)
from perfctl.cdn.model.spending import Billed, CostLeader, InvalidationSpending, MonthSpent, RepeatedItem
from tests.cli.golden_files import drawn_as, golden_of

_golden = golden_of("cdn_queue")
SITE, BLOG = "E2QWRUHAPOMQZL", "E1ABCDEFGHIJKL"
FILE = "/var/lib/perfctl/invalidations/prod.sqlite"
HOLDER = QueueHolder("web-1", 4211, "2026-11-23T12:00:00+00:00", 3.2)
REASON = "cloudfront create-invalidation at E1ABCDEFGHIJKL: InvalidArgument: invalid invalidation path"
WAITING = tuple(
    QueuedItem(number, SITE, item, "queued", 12.4 - number, number)
    for number, item in enumerate(("/img/*", "/de/products/7.html", "#product-7"), start=1)
)
FAILED = (QueuedItem(9, BLOG, "/über", "failed", 3600.0, 1, error=REASON),)

ANSWERS = {
    "status": QueueStatus(
        FILE,
        (
            QueuedDistribution(SITE, 412, 3, 12, 5, 12.4, 2, 2700, 13, 4, 1, 24.8, 18212, 0, HOLDER, None),
            QueuedDistribution(BLOG, 7, 0, 0, 0, 3.1, 0, 0, 0, 0, 0, None, 120, 1, None, "cloudfront: AccessDenied"),
        ),
        419,
        2700,
        1,
        2.0,
        WAITING,
        FAILED,
    ),
    "empty": QueueStatus(FILE, (), 0, 0, 0, 2.0, (), ()),
    "run": QueueRun(
        FILE,
        (
            QueueTurn(SITE, "no room", 2, 1413, 2700, 0, 37, 42, 1413, 0, 1),
            QueueTurn(BLOG, "held", 0, 0, 0, 0, 0, 7, 0, 0, holder=HOLDER),
            QueueTurn("E3XYZ", "error", 0, 0, 0, 1, 0, 3, 0, 1, error="cloudfront: NoSuchDistribution"),
        ),
        1413,
        2700,
        1,
        52,
        1413,
        3.2,
        FAILED,
    ),
    "idle": QueueRun(FILE, (), 0, 0, 0, 0, 0, 0.0, ()),
    "cancelled": QueueCancelled(FILE, WAITING, 3, 2, 0, dry_run=False),
    "would-cancel": QueueCancelled(FILE, WAITING[:1], 1, 0, 0, dry_run=True),
    "queued": InvalidationReport(
        distribution_id=SITE,
        invalidation_id=None,
        status="queued",
        paths=("/img/*", "/a", "/b"),
        items=3,
        wildcards=1,
        tags=0,
        dropped=0,
        cost_usd=0.015,
        waited_seconds=0.0,
        dry_run=False,
        invalidations=(SentInvalidation(SITE, None, "queued", 3, 1),),
        queued=(Queued(SITE, ("/img/*",), ("/a",), ("/b",), 4, 12),),
    ),
    "cost": InvalidationSpending(
        "2026-10-24T00:00:00+00:00",
        (SITE, BLOG),
        True,
        2,
        1213,
        14,
        120,
        1000,
        0.005,
        (MonthSpent("2026-11", 1713, 0, 3.565), MonthSpent("2026-10", 200, 800, 0.0)),
        (CostLeader(SITE, "/img/", 912, 0.7519, 4.56), CostLeader(SITE, "tags", 301, 0.2481, 1.505)),
        (RepeatedItem(SITE, "/index.html", 214, 1.07),),
        (
            Billed("2026-11-23T12:00:05+00:00", "InProgress", SITE, "I2J0I21PCUYOIK", 2, 1, "/img/*"),
            Billed("2026-11-02T08:00:00+00:00", "Completed", SITE, "I1A0I21PCUYOIK", 1211, 0, "/de/products/7.html"),
        ),
    ),
    "listed": InvalidationSpending(
        *("2026-11-01T00:00:00+00:00", (BLOG,), False, 1, None, None, None, 1000, 0.005, (), (), ()),
        (Billed("2026-11-23T12:00:05+00:00", "Completed", BLOG, "I2J0I21PCUYOIK", None, None, None),),
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


def _drawn(name: str, output: str, width: int) -> str:
    return drawn_as(ANSWERS[name], output, width, words=("cdn", "queue", name))
