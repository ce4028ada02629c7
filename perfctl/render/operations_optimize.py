"""Drawing a pass of `optimize`: the findings with what to run, who did not answer, what was done and undone."""

from __future__ import annotations

from perfctl.operations.optimizing.model import Finding, Measured, Optimization, RecordedRun, RecordedStep
from perfctl.render.sql_line import line_of
from perfctl.render.view import Cell, Column, Facts, Part, Table, Text, Tone, View, view
from perfctl.units import format_bytes, format_count, format_duration_ms, format_ratio

_TONES: dict[str, Tone] = {
    "critical": "bad",
    "warning": "warn",
    "info": "dim",
    "applied": "good",
    "done": "good",
    "undone": "good",
    "failed": "bad",
    "started": "warn",
}
_FINDINGS = (
    Column("#", align="right"),
    Column("severity"),
    Column("source", from_width=100),
    Column("finding", wraps=True),
    Column("gain", wraps=True),
    Column("risk"),
    Column("safe"),
)
_STEPS = (Column("run"), Column("state"), Column("what was done", wraps=True), Column("what came of it", wraps=True))


def optimization_view(result: Optimization) -> View:
    """What was asked for: findings, with what was done about them; or the runs of the journal."""
    if result.mode in ("history", "rollback"):
        return _runs_view(result)
    return view(
        _findings(result),
        *(_command(place, row) for place, row in enumerate(result.rows, 1)),
        _measured(result),
        _silent(result),
        _notes(result),
        _ending(result),
    )


def _findings(result: Optimization) -> Table:
    columns = (*_FINDINGS, Column("state")) if result.mode == "apply" else _FINDINGS
    asked = sum(source.answer == "answered" for source in result.sources)
    rows = tuple(_row(place, row, result.mode == "apply") for place, row in enumerate(result.rows, 1))
    return Table(columns, rows, empty=f"nothing found: {asked} of {len(result.sources)} sources answered")


def _row(place: int, row: Finding, with_state: bool) -> tuple[Cell | str, ...]:
    cells: tuple[Cell | str, ...] = (
        str(place),
        Cell(row.severity, _TONES.get(row.severity)),
        row.source,
        row.title,
        row.gain.text,
        row.risk,
        "yes" if row.is_safe else "no",
    )
    return (*cells, Cell(row.state, _TONES.get(row.state))) if with_state else cells


def _command(place: int, row: Finding) -> Part:
    evidence = "; ".join(line_of(each.observed) for each in row.evidence)
    advice = f"\n   advice: {line_of(row.advice)}" if row.advice else ""
    outcome = f"\n   {row.state}: {row.outcome}" if row.outcome else ""
    where = {"redis": "redis-cli ", "yaml": "perfctl.yaml: "}.get(row.command_kind, "")
    why = f"\n   gain: {line_of(row.gain.how)}\n   risk: {line_of(row.risk_why)}"
    return Text(f"{place}. {where}{line_of(row.command)}\n   {evidence}{why}{advice}{outcome}")


def _measured(result: Optimization) -> Table | None:
    rows = tuple(
        (str(place), each.name, _figure(each.before, each.unit), _figure(each.after, each.unit))
        for place, row in enumerate(result.rows, 1)
        for each in row.measured
    )
    columns = (
        Column("#", align="right"),
        Column("measured", wraps=True),
        Column("before", align="right"),
        Column("after", align="right"),
    )
    return Table(columns, rows) if rows else None


def _figure(value: float | None, unit: str) -> str:
    if value is None:
        return "-"
    if unit == "bytes":
        return format_bytes(value)
    if unit == "ms":
        return format_duration_ms(value)
    return format_ratio(value) if unit == "ratio" else format_count(round(value))


def _silent(result: Optimization) -> Facts | None:
    pairs = tuple(
        (source.source, Cell(f"{source.answer}: {source.reason}", "warn" if source.answer == "unanswered" else "dim"))
        for source in result.sources
        if source.answer != "answered"
    )
    return Facts(pairs) if pairs else None


def _notes(result: Optimization) -> Text | None:
    return Text("\n".join(result.notes), "warn") if result.notes else None


def _ending(result: Optimization) -> Text | None:
    safe = any(row.is_safe for row in result.rows)
    if result.mode == "find":
        return Text("perfctl optimize --apply does what is safe", "dim") if safe else None
    if result.run_id is None:
        return Text("nothing to apply: no finding is safe to mend by itself")
    taken = sum(row.state == "taken back" for row in result.rows)
    text = f"{result.applied} applied, {result.failed} failed, {taken} taken back"
    return Text(f"{text}\nto undo it: perfctl optimize --rollback {result.run_id}")


def _runs_view(result: Optimization) -> View:
    rows = tuple(_step_row(run, step) for run in result.runs for step in run.steps)
    empty = "nothing was applied yet: perfctl optimize --apply"
    ending = None
    if result.mode == "rollback" and not result.notes:
        ending = Text(f"{result.undone} undone, {result.failed} not")
    return view(Table(_STEPS, rows, empty=empty), _notes(result), ending)


def _step_row(run: RecordedRun, step: RecordedStep) -> tuple[Cell | str, ...]:
    figures = "; ".join(_change(each) for each in step.measured[:3])
    came = "; ".join(part for part in (step.note, figures) if part)
    state = "cut off" if step.state == "started" else step.state
    return (run.id, Cell(state, _TONES.get(step.state)), step.command, came)


def _change(each: Measured) -> str:
    return f"{each.name} {_figure(each.before, each.unit)} -> {_figure(each.after, each.unit)}"
