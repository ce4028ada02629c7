"""Budgets: what is written is read back, what is mistyped is told, and nothing unmeasured passes."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfctl.errors import UsageError
from perfctl.metrics.budgets import Budget, BudgetError, Budgets, Frames, budgets_of, judge, parse, read_budgets
from perfctl.metrics.budgets.checking import check
from perfctl.metrics.budgets.known import STATISTICS, Known, known_metrics
from perfctl.metrics.budgets.measures import is_share
from perfctl.recording.frame import Frame
from perfctl.recording.registry import Registry
from tests.campaign import campaign

EXAMPLE = Path(__file__).parents[3] / "configs" / "budgets.yaml"
NOW = 1_000_000.0
_UNITS = {"s": ("50ms", "1.5s", "2m"), "bytes": ("200MB", "1GiB"), "bytes/s": ("10MB/s",), "s/s": ("0.5s/s",)}


def queries(seconds: float, *, at: float, lasting: float = 10.0, count: int = 20) -> Frame:
    """So many queries that took that long, in the `lasting` seconds before `at`."""
    registry = Registry()
    recorder = registry.histogram("db.query.duration", fingerprint="a")
    for _ in range(count):
        recorder.record(seconds)
    frame = registry.collect()
    return Frame(at=at, seconds=lasting, counters=frame.counters, gauges=frame.gauges, histograms=frame.histograms)


def lookups(hits: int, misses: int, namespace: str = "api") -> Frame:
    registry = Registry()
    registry.counter("cache.requests", namespace=namespace, tier="l1", result="hit").add(hits)
    registry.counter("cache.requests", namespace=namespace, tier="none", result="miss").add(misses)
    frame = registry.collect()
    return Frame(at=NOW, seconds=10.0, counters=frame.counters, gauges=frame.gauges, histograms=frame.histograms)


@pytest.mark.parametrize(
    ("text", "limit", "unit"),
    [
        ("cache.hit_ratio{ns=api} >= 95%", 0.95, "ratio"),
        ("p95(db.query.duration) < 50ms", 0.05, "s"),
        ("p99.9(db.query.duration) < 2s", 2.0, "s"),
        ("share(http.request.duration <= 200ms) >= 0.99", 0.99, "ratio"),
        ("rate(cdn.bytes) < 10MB/s", 1e7, "bytes/s"),
        ("rate(http.request.duration) > 5/s", 5.0, "1/s"),
        ("1 - http.error_ratio >= 99.9%", 0.999, "ratio"),
        ("host.memory.used <= 16GB", 1.6e10, "bytes"),
        ("api_response_time_ms < 0.2s", 200.0, "ms"),
        ("memory_usage_mb < 2GB", 2000.0, "MB"),
        ("cpu_usage_percent < 80", 80.0, "%"),
        ("cdn.invalidations == 0", 0.0, ""),
    ],
)
def test_a_limit_is_understood_in_the_unit_of_its_metric(text: str, limit: float, unit: str) -> None:
    budget = parse(text)
    assert (budget.limit, budget.expression.unit) == (limit, unit)


@pytest.mark.parametrize(
    ("text", "column", "hint"),
    [
        ("p95(db.query.duraton) < 50ms", 5, "did you mean 'db.query.duration'?"),
        ("p95(db.query.duration) < 50", 26, "write 50ms or 1.5s"),
        ("p95(db.query.duration) < 50Ms", 28, "did you mean 'ms'?"),
        ("db.query.duration < 50ms", 1, "say what of it"),
        ("cache.hit_ratio >= 95", 20, "write 95% or 0.95"),
        ("cache.hit_ratio{nss=api} >= 0.95", 17, "did you mean 'ns'?"),
        ("cache.hit_ratio{ns=api >= 0.95", 24, "a comma or }"),
        ("cache.hit_ratio = 0.95", 17, "write == for equal"),
        ("mean(cache.hit_ratio) >= 0.95", 1, "write cache.hit_ratio alone"),
        ("avg(db.query.duration) < 1s", 1, "did you mean 'mean'?"),
        ("cache.hit_ratio >= 0.95 for 5", 29, "write for 5m"),
        ("cache.hit_ratio >= 0.95 and so on", 25, "or a rate of one"),
        ("cache.hit_ratio >= 95% for 5m more", 31, "here comes"),
        ("", 1, "write a budget"),
    ],
)
def test_what_is_mistyped_is_told_with_its_column_and_what_was_meant(text: str, column: int, hint: str) -> None:
    with pytest.raises(BudgetError) as caught:
        parse(text)
    assert (caught.value.column, caught.value.exit_code) == (column, 2)
    assert hint in (caught.value.hint or "")


@st.composite
def _texts(draw: st.DrawFn) -> str:
    known = draw(st.sampled_from(sorted(known_metrics().values())))
    labels = draw(st.dictionaries(st.sampled_from(known.labels), st.text(max_size=9))) if known.labels else {}
    quoted = [name + '="' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for name, value in labels.items()]
    selector = known.name + ("{" + ",".join(quoted) + "}" if quoted else "")
    value, unit = draw(st.sampled_from(_values(known, selector)))
    limit = draw(st.sampled_from(_UNITS.get(unit, ("0.5", "0.25"))))
    lasting = draw(st.sampled_from(("", " for 5m", " for 90s")))
    return f"{value} {draw(st.sampled_from(('<', '<=', '>', '>=', '==', '!=')))} {limit}{lasting}"


def _values(known: Known, selector: str) -> list[tuple[str, str]]:
    """What may be asked of a metric, each with the unit of its limit."""
    if known.kind == "histogram":
        return [(f"p97.5({selector})", known.unit), (f"max({selector})", known.unit), (f"count({selector})", "")]
    made = [(f"{statistic}({selector})", known.unit) for statistic in STATISTICS[known.kind] if statistic == "max"]
    return [(selector, known.unit), *made, *([(f"1 - {selector}", "")] if is_share(known.unit) else [])]


@given(_texts())
@campaign(150, 20_000)
def test_the_text_of_a_budget_is_the_same_budget(text: str) -> None:
    budget = parse(text)
    assert parse(str(budget)) == budget


@given(
    st.one_of(
        st.text(max_size=60),
        st.lists(
            st.sampled_from(
                [
                    *("p95", "(", ")", "{", "}", "=", "<", ">=", "for", "1", "-", "50ms", "%", ",", '"', "share"),
                    *("/s", "db.query.duration", "cache.hit_ratio", "ns", "1e99", "9" * 400, "\0", "µ"),
                ]
            ),
            max_size=12,
        ).map(" ".join),
    )
)
@campaign(300, 50_000)
def test_a_hostile_text_is_refused_in_words(text: str) -> None:
    with suppress(BudgetError):
        assert isinstance(parse(text), Budget)
    with suppress(UsageError):
        assert isinstance(budgets_of(text, "b.yaml"), Budgets)


def test_every_fault_of_a_file_is_told_with_its_place() -> None:
    text = (
        'checks:\n  - {expr: "p95(db.query.duraton) < 50ms", severty: page}\n  - cache.hit_ratio >= 95\n'
        "  - {expr: cache.hit_ratio >= 0.9, for: 5x, severity: pager}\nobjectives:\n"
        "  - {name: a, objective: 100, sli: cache.entries}\n"
    )
    with pytest.raises(UsageError) as caught:
        budgets_of(text, "b.yaml")
    places = ["2:44", "2:17", "3:24", "4:41", "4:55", "6:26", "6:36"]
    assert [line.split()[0] for line in caught.value.message.splitlines()[1:]] == [f"b.yaml:{at}:" for at in places]


def test_the_example_is_read_and_each_of_its_budgets_has_a_name() -> None:
    found = read_budgets(EXAMPLE)
    assert all(budget.name and budget.where for budget in found.checks)
    assert [objective.objective for objective in found.objectives] == [0.99, 0.999]


def test_what_holds_passes_and_what_does_not_is_a_breach() -> None:
    budget = parse("cache.hit_ratio{ns=api} >= 0.95")
    assert judge(budget, [lookups(96, 4)], NOW).verdict == "pass"
    assert judge(budget, [lookups(90, 10)], NOW).verdict == "breach"


def test_what_was_not_measured_is_never_a_pass() -> None:
    judged = judge(parse("cache.hit_ratio{ns=web} >= 0"), [lookups(96, 4)], NOW)
    assert (judged.verdict, judged.observed) == ("no_data", None)
    assert "cache.requests" in judged.reason


def test_a_share_counts_what_is_within_its_limit() -> None:
    frames = [queries(0.01, at=NOW - 10, count=90), queries(0.5, at=NOW, count=10)]
    judged = judge(parse("share(db.query.duration <= 200ms) >= 0.95"), frames, NOW)
    assert judged.verdict == "breach"
    assert judged.observed == pytest.approx(0.9)
    assert judge(parse("share(db.query.duration > 200ms) <= 10.1%"), frames, NOW).verdict == "pass"


@pytest.mark.parametrize(("slow_steps", "verdict"), [(3, "pass"), (6, "breach")])
def test_with_a_for_only_a_stretch_of_that_length_is_a_breach(slow_steps: int, verdict: str) -> None:
    frames = [queries(0.2 if step < slow_steps else 0.01, at=NOW - 10 * step) for step in reversed(range(20))]
    judged = judge(parse("p95(db.query.duration) < 50ms for 1m"), frames, NOW)
    assert judged.verdict == verdict
    assert judged.since == NOW - 10 * slow_steps


def test_a_stretch_in_the_past_of_the_window_counts_too() -> None:
    frames = [queries(0.2 if 20 <= step < 30 else 0.01, at=NOW - 10 * step) for step in reversed(range(60))]
    budget = parse("p95(db.query.duration) < 50ms for 1m")
    assert judge(budget, frames, NOW).verdict == "pass"
    judged = judge(budget, frames, NOW, window_seconds=600)
    assert (judged.verdict, judged.since) == ("breach", None)


def test_steps_without_a_value_neither_break_nor_mend() -> None:
    frames = [queries(0.2, at=NOW - 10 * step) for step in (6, 5, 1, 0)]
    assert judge(parse("p95(db.query.duration) < 50ms for 1m"), frames, NOW).verdict == "breach"


def test_the_whole_is_as_bad_as_its_worst_and_tickets_may_only_warn() -> None:
    text = "checks:\n  - {expr: 'cache.hit_ratio >= 0.5'}\n  - {expr: 'cache.hit_ratio >= 0.99', severity: ticket}\n"
    budgets = budgets_of(text, "b.yaml")
    strict = check(budgets, [lookups(90, 10)], NOW, source="snapshot")
    assert (strict.verdict, [row.verdict for row in strict.rows]) == ("breach", ["breach", "pass"])
    assert (strict.checks[0].status, strict.checks[0].objects) == ("warn", ("b.yaml:3:12",))
    assert check(budgets, [lookups(90, 10)], NOW, source="snapshot", tickets_count=False).verdict == "pass"
    assert check(budgets, [], NOW, source="snapshot").verdict == "no_data"


def test_frames_at_hand_answer_windows_as_a_history_does() -> None:
    frames = Frames((queries(0.1, at=NOW - 10), queries(0.1, at=NOW)))
    assert frames.window(NOW - 5, NOW).seconds == 10.0
    assert [step.seconds for step in frames.steps(NOW - 20, NOW, 10.0)] == [10.0, 10.0]
