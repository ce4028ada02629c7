"""Drawing an edge function as it is sent, and what became of it at AWS."""

from __future__ import annotations

import json

from perfctl.cdn.model.edge_deploys import DeployStep, EdgeDeployment, EdgePackage
from perfctl.render.view import Cell, Column, Facts, Table, Text, Tone, View, view
from perfctl.units import format_bytes, format_count

_STATES: dict[str, Tone] = {"Deployed": "good", "InProgress": "warn", "planned": "dim", "unchanged": "good"}
_MOST_FILES = 10
_KINDS = {"cloudfront-function": "CloudFront Function", "lambda@edge": "Lambda@Edge"}


def package_view(result: EdgePackage) -> View:
    """What it is for, how large it is, what is in it."""
    facts: list[tuple[str, Cell | str]] = [
        ("kind", f"{_KINDS[result.kind]}, {result.trigger}"),
        ("runtime", result.runtime),
        *((("handler", result.handler),) if result.handler else ()),
        ("size", f"{format_bytes(result.size_bytes)} of {format_bytes(result.limit_bytes)}"),
        *((("unpacked", format_bytes(result.unpacked_bytes)),) if result.handler else ()),
        ("sha256", result.sha256),
        *((("requires", ", ".join(result.requires)),) if result.requires else ()),
        *((("settings", json.dumps(dict(result.settings))),) if result.settings else ()),
        ("written to", result.written or "nowhere: --out FILE"),
    ]
    shown = list(result.files[:_MOST_FILES])
    if len(result.files) > _MOST_FILES:
        shown.append(f"... and {format_count(len(result.files) - _MOST_FILES)} more")
    return view(Facts(tuple(facts), title=result.function), Text("\n".join(f"  {name}" for name in shown), "dim"))


def deployment_view(result: EdgeDeployment) -> View:
    """How far it is, each step, and the way back."""
    is_done = not result.dry_run
    columns = (Column("step"), Column("at", wraps=True), Column("done" if is_done else "would do", wraps=True))
    version = result.version or "the next number"
    empty = f"version {version} is there already"
    table = Table(columns, tuple(map(_row, result.steps)), empty=empty)
    return view(Facts(_facts(result), title=result.function), table, _back(result))


def _facts(result: EdgeDeployment) -> tuple[tuple[str, Cell | str], ...]:
    replaced = f", replaces {result.replaced_version}" if result.replaced_version else ""
    facts: list[tuple[str, Cell | str]] = [
        ("status", Cell(result.status, _STATES[result.status])),
        ("kind", f"{_KINDS[result.kind]}, {result.runtime}"),
        ("version", f"{result.version or 'the next number'}{replaced}"),
    ]
    if result.distribution_id:
        trigger = f", {result.trigger}" if result.trigger else ""
        facts.append(("where", f"{result.distribution_id} {', '.join(result.behaviours)}{trigger}"))
    if result.tests_passed is not None:
        facts.append(("tests", f"{result.tests_passed} passed here"))
    if result.compute_utilization is not None:
        facts.append(("compute utilization", f"{result.compute_utilization} of 100, by CloudFront's test"))
    if result.waited_seconds:
        facts.append(("waited", f"{result.waited_seconds:.0f} s"))
    return tuple(facts)


def _row(step: DeployStep) -> tuple[Cell | str, ...]:
    return (step.action, step.object, step.said)


def _back(result: EdgeDeployment) -> Text | None:
    kept = f"the replaced code is kept on this host alone:\n{result.kept}" if result.kept else ""
    back = f"to go back: {result.rollback}" if result.rollback else ""
    text = "\n".join(filter(None, (kept, back)))
    return Text(text, "dim") if text else None
