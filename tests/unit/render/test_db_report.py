"""A report as a page and as Markdown: what its head says, what is folded, that no text of the database is markup."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from perfctl.db.model.activity import LockTree
from perfctl.db.model.plans import PlanReport
from perfctl.db.model.reports import DatabaseReport, ExplainedQuery, MissingSection, ServerSetting, ServerSettings
from perfctl.db.model.statements import SlowQueries, SlowQuery
from perfctl.db.plans import read_plan
from perfctl.db.redaction.redactor import Redactor
from perfctl.diagnosis import Check, diagnose
from perfctl.render.db_report import report_html, report_markdown

PLAN = (Path(__file__).parents[2] / "fixtures/db/plan_sort_spill_18.json").read_text()
HOSTILE = "SELECT '<script>alert(1)</script>' FROM trades -- | ``` **x**"
AT = datetime(2026, 1, 8, 3, 4, tzinfo=UTC)
SLOW = SlowQueries(
    rows=(SlowQuery(query=HOSTILE, fingerprint="c0ffee", calls=3, total_ms=900.0, mean_ms=300.0, share=1.0),),
    total=1, by="total", database="shop", source="history", server="db:5432", since=AT.replace(day=1), until=AT,
    window_seconds=7 * 86_400.0, total_ms=900.0,
)  # fmt: skip


def report() -> DatabaseReport:
    plan: PlanReport = read_plan(PLAN, sql=HOSTILE)
    queries = (
        ExplainedQuery(query=HOSTILE, fingerprint="c0ffee", total_ms=900.0, plan=plan, reason=None),
        ExplainedQuery(query="SELECT 1", fingerprint="facade", total_ms=1.0, plan=plan, reason=None),
        ExplainedQuery(query=HOSTILE, fingerprint="decade", total_ms=0.5, plan=None, reason="table <b> is gone"),
    )
    diagnosis = diagnose([Check("indexes", "unused_indexes", "warn", "1 index", "DROP INDEX a;", objects=("a <i>",))])
    return DatabaseReport(
        server="db:5432/shop", made_at=AT, status="warn", doctor=diagnosis, check=diagnosis, slow=SLOW,
        queries=queries, locks=LockTree(rows=(), total=0, server="db", waiting=0, longest_wait_seconds=None),
        activity=None,
        settings=ServerSettings(rows=(ServerSetting(name="work_mem", setting="64 MB", default="4 MB",
                                                    source="database"),)),
        missing=(MissingSection(section="activity", reason="timed out", hint="--timeout"),),
    )  # fmt: skip


def test_the_head_says_of_which_time_the_statements_are() -> None:
    said = "since 2026-01-01 03:04 UTC until 2026-01-08 03:04 UTC (7.0 days), of the recorded history"
    assert said in report_html(report())
    assert said in report_markdown(report())
    assert "since the last reset, of pg_stat_statements" in report_html(
        replace(report(), slow=replace(SLOW, source="pg_stat_statements", since=None, until=None, window_seconds=None))
    )


def test_every_section_is_open_and_of_the_plans_the_first() -> None:
    page = report_html(report())
    assert page.count('<details open class="section"') == 6
    assert (page.count('<details open class="plan">'), page.count('<details class="plan">')) == (1, 2)
    assert all(f'href="#{anchor}"' in page and f'id="{anchor}"' in page for anchor in ("checks", "plans", "doctor"))


def test_no_text_of_the_database_is_markup() -> None:
    page = report_html(report())
    assert "<script>" not in page
    assert "<b>" not in page
    assert "<i>" not in page
    assert "default-src 'none'" in page


def test_what_is_missing_is_said() -> None:
    for text in (report_html(report()), report_markdown(report())):
        assert "activity: timed out (--timeout)" in text.replace("\\", "")


def test_a_redacted_report_says_so_and_holds_no_name() -> None:
    renamed = Redactor(["a"]).redacted(report())
    for text in (report_html(renamed, redacted=True), report_markdown(renamed, redacted=True)):
        assert "names and literals are replaced" in text
        assert "trades" not in text
        assert "alert" not in text
        assert "shop" not in text
