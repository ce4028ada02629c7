"""Drawing the answers of `perfctl cdn`."""

from __future__ import annotations

import json
from collections.abc import Iterator

from perfctl.cdn.model.diagnoses import CdnDiagnosis
from perfctl.cdn.model.invalidations import EdgeProof, Invalidation, InvalidationReport, Invalidations, SentInvalidation
from perfctl.render.diagnosis import diagnosis_view
from perfctl.render.view import Cell, Column, Part, Table, Text, Tone, View, view
from perfctl.units import format_count, format_counted, format_duration_ms

_STATES: dict[str, Tone] = {
    "Completed": "good",
    "InProgress": "warn",
    "planned": "dim",
    "queued": "warn",
    "failed": "bad",
}
_MOST_PATHS = 10


def invalidation_view(report: InvalidationReport) -> View:
    """Where and how far, what it costs, which paths; with `--verify` the edge before and after."""
    columns = (
        Column("status"),
        Column("distribution"),
        Column("invalidation"),
        Column("items", "right"),
        Column("wildcards", "right"),
        Column("waited s", "right"),
    )
    table = Table(columns, tuple(_sent_row(one) for one in report.invalidations))
    return view(table, Text(_summary(report)), _queued(report), _paths(report.paths), _proofs(report.verified))


def invalidations_view(result: Invalidations) -> View:
    """Each invalidation with its age and size."""
    columns = (
        Column("status"),
        Column("invalidation"),
        Column("created utc"),
        Column("items", "right"),
        Column("wildcards", "right"),
        Column("first path", wraps=True),
    )
    empty = f"no invalidation is in progress at {result.distribution_id}"
    return View((Table(columns, tuple(_row(one) for one in result.rows), empty=empty),))


def cdn_diagnosis_view(result: CdnDiagnosis) -> View:
    """The checks, and the policy to attach."""
    policy = "least policy for this distribution:\n" + json.dumps(result.policy, indent=2)
    return View((*diagnosis_view(result).parts, Text(policy)))


def _sent_row(one: SentInvalidation) -> tuple[Cell | str, ...]:
    is_nothing = not one.items and one.invalidation_id is None and one.error is None
    return (
        Cell("nothing to do", "dim") if is_nothing else Cell(one.status, _STATES[one.status]),
        one.distribution_id,
        one.invalidation_id or "-",
        format_count(one.items),
        format_count(one.wildcards),
        f"{one.waited_seconds:.1f}" if one.waited_seconds else "-",
    )


def _summary(report: InvalidationReport) -> str:
    dropped = f", {report.dropped} left out as covered by others" if report.dropped else ""
    items = "1 item" if report.items == 1 else f"{format_count(report.items)} items"
    return "\n".join((f"{items}{dropped}", _price(report), *_extent(report)))


def _price(report: InvalidationReport) -> str:
    """The price beyond the free items, and whether those are enough."""
    would = "would cost" if report.dry_run else "costs"
    left = report.free_left
    if left is None:
        return f"{would} ${report.cost_usd:.3f}, less what is left of the account's free items of the month"
    free = f"{format_counted(left, 'free item')} {'is' if left == 1 else 'are'} left this month"
    if report.items <= left:
        return f"{would} nothing: {free} (${report.cost_usd:.3f} without)"
    return f"{would} ${report.cost_usd:.3f} at most: {free}"


def _extent(report: InvalidationReport) -> Iterator[str]:
    """What it purges, for how long it takes, what was left out, as far as that is known."""
    if report.objects is not None:
        besides = f"{report.collateral_ratio or 0:.2%} of the weight was not asked for"
        yield f"purges {format_count(report.objects)} known URLs; {besides}"
    if report.skipped:
        yield f"{format_count(report.skipped)} paths left out: no viewer fetched them"
    if report.dry_run and report.rounds:
        took = format_duration_ms(report.estimated_seconds * 1000)
        yield f"{report.rounds} round{'s' if report.rounds > 1 else ''}, complete after about {took}"
    if report.preloaded is not None:
        yield f"warmed again: {format_count(report.preloaded.warmed)} of {format_count(report.preloaded.requested)}"


def _queued(report: InvalidationReport) -> Part | None:
    if not report.queued:
        return None
    from perfctl.render.cdn_queue import queued_text

    return queued_text(report.queued)


def _paths(paths: tuple[str, ...]) -> Part | None:
    if not paths:
        return None
    shown = list(paths[:_MOST_PATHS])
    if len(paths) > _MOST_PATHS:
        shown.append(f"... and {format_count(len(paths) - _MOST_PATHS)} more")
    return Text("\n".join(f"  {path}" for path in shown), "dim")


def _proofs(proofs: tuple[EdgeProof, ...]) -> Part | None:
    if not proofs:
        return None
    columns = (Column("fresh"), Column("before"), Column("after"), Column("age s", "right"), Column("url", wraps=True))
    return Table(columns, tuple(_proof_row(proof) for proof in proofs), title="at the edge")


def _proof_row(proof: EdgeProof) -> tuple[Cell | str, ...]:
    fresh = Cell("yes", "good") if proof.is_fresh else Cell("no", "bad")
    age = "-" if proof.after_age_seconds is None else str(proof.after_age_seconds)
    return (fresh, proof.before, proof.after, age, proof.url)


def _row(one: Invalidation) -> tuple[Cell | str, ...]:
    return (
        Cell(one.status, _STATES[one.status]),
        one.invalidation_id,
        one.created_at[:19].replace("T", " ") if one.created_at else "-",
        format_count(one.items),
        format_count(one.wildcards),
        one.paths[0] if one.paths else "-",
    )


VIEWS = {
    InvalidationReport: invalidation_view,
    Invalidations: invalidations_view,
    CdnDiagnosis: cdn_diagnosis_view,
}
LATER = {
    "perfctl.cdn.model.edge_functions.EdgeRun": "cdn_edge:run_view",
    "perfctl.cdn.model.edge_functions.EdgeTests": "cdn_edge:tests_view",
    "perfctl.cdn.model.edge_deploys.EdgePackage": "cdn_edge_deploy:package_view",
    "perfctl.cdn.model.edge_deploys.EdgeDeployment": "cdn_edge_deploy:deployment_view",
    "perfctl.cdn.model.logs.LogStats": "cdn_logs:stats_view",
    "perfctl.cdn.model.logs.LogReport": "cdn_logs:report_view",
    "perfctl.cdn.model.logs.LogTop": "cdn_logs:top_view",
    "perfctl.cdn.model.logs.LogMisses": "cdn_logs:misses_view",
    "perfctl.cdn.model.logs.LogErrors": "cdn_logs:errors_view",
    "perfctl.cdn.model.logs.LogPlaces": "cdn_logs:places_view",
    "perfctl.cdn.model.logs.LogLatency": "cdn_logs:latency_view",
    "perfctl.cdn.model.planning.LeastCost": "cdn_plan:plan_view",
    "perfctl.cdn.model.queue.QueueStatus": "cdn_queue:status_view",
    "perfctl.cdn.model.queue.QueueRun": "cdn_queue:run_view",
    "perfctl.cdn.model.queue.QueueCancelled": "cdn_queue:cancelled_view",
    "perfctl.cdn.model.spending.InvalidationSpending": "cdn_queue:spending_view",
    "perfctl.cdn.model.measures.CdnMetrics": "cdn_metrics:metrics_view",
    "perfctl.cdn.model.simulation.CdnSimulation": "cdn_simulate:simulation_view",
    "perfctl.cdn.model.simulation.Corpus": "cdn_simulate:corpus_view",
    "perfctl.cdn.model.preloads.PreloadReport": "cdn_preload:preload_view",
    "perfctl.cdn.model.content.OptimizeReport": "cdn_content:optimize_view",
    "perfctl.cdn.model.checks.CacheExplanation": "cdn_check:explanation_view",
    "perfctl.cdn.model.configuration.ConfigDifference": "cdn_config:difference_view",
    "perfctl.cdn.model.configuration.ConfigApplied": "cdn_config:applied_view",
}
"""By the result's name, so that none is loaded for another's sake."""
