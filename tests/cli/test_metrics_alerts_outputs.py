"""How alerts look."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from perfctl.metrics.alerts.model import Alert, Alerts, SinkState
from tests.cli.golden_files import drawn_as, golden_of

NOW = datetime(2026, 5, 1, 8, 0, tzinfo=UTC)
BURNS = "burns 60x over 1 h, 200x over 5 min; fires at 14.4x of both"
OBJECTIVE = "1 - http.error_ratio >= 0.999 over 30 d"
ANSWER = Alerts(
    firing=1,
    pending=1,
    no_data=1,
    evaluated_at=NOW,
    rows=(
        Alert("api burn 1h", "firing", "page", NOW - timedelta(minutes=7), 60.0, 14.4, BURNS, OBJECTIVE, "x"),
        Alert("errors", "pending", "page", NOW, 0.2, 0.01, "20 % over 1 min, should be < 1 %", "", "ratio"),
        Alert("hits", "inactive", "ticket", None, None, 0.95, "nothing was recorded", "", "ratio", has_data=False),
    ),
    sinks=(SinkState("webhook", 2, 0, "it does not answer", NOW),),
)

_golden = golden_of("metrics")


@pytest.mark.parametrize("width", [80, 120])
def test_a_table_is_the_golden_one(width: int) -> None:
    text = drawn_as(ANSWER, "table", width, words=("metrics", "alerts"))
    assert text == _golden(f"alerts-{width}.txt", text)
    assert max(len(line) for line in text.splitlines()) <= width
