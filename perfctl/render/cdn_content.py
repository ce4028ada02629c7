"""Drawing what was made smaller for the edge."""

from __future__ import annotations

from perfctl.cdn.model.content import OptimizedType, OptimizeReport
from perfctl.render.view import Cell, Column, Facts, Part, Table, View, view
from perfctl.units import format_bytes, format_count

_MOST_PROBLEMS = 20
_WIDE = 110


def optimize_view(report: OptimizeReport) -> View:
    """Type by type what it takes before and after, then what was written where, then what was left out."""
    columns = (
        Column("type"),
        Column("files", "right"),
        Column("before", "right"),
        Column("gzip", "right", from_width=_WIDE),
        Column("br", "right", from_width=_WIDE),
        Column("webp", "right", from_width=_WIDE),
        Column("avif", "right", from_width=_WIDE),
        Column("after", "right"),
        Column("saved", "right"),
    )
    rows = tuple(_row(row) for row in report.types)
    return view(Table(columns, rows, empty=f"no file in {report.source}"), _facts(report), _problems(report))


def _row(row: OptimizedType) -> tuple[Cell | str, ...]:
    in_form = (row.gzip_bytes, row.br_bytes, row.webp_bytes, row.avif_bytes)
    return (
        row.type,
        format_count(row.files),
        format_bytes(row.size_bytes),
        *("-" if size == row.size_bytes else format_bytes(size) for size in in_form),
        format_bytes(row.sent_bytes),
        Cell(_percent(row.saved_ratio), "good" if row.saved_ratio > 0 else "dim"),
    )


def _facts(report: OptimizeReport) -> Facts:
    all_of_it = f"{format_bytes(report.size_bytes)} -> {format_bytes(report.sent_bytes)}"
    pairs: list[tuple[str, Cell | str]] = [
        ("in all", f"{_counted(report.files, 'file')}, {all_of_it}, {_percent(report.saved_ratio)} saved")
    ]
    parts = (("text", report.text_saved_ratio), ("images", report.images_saved_ratio))
    if told := [f"{name} {_percent(ratio)}" for name, ratio in parts if ratio is not None]:
        pairs.append(("saved of", ", ".join(told)))
    pairs.append(("would write" if report.dry_run else "wrote", _written(report)))
    if report.manifest is not None:
        pairs.append(("headers", report.manifest))
    return Facts(tuple(pairs))


def _written(report: OptimizeReport) -> str:
    there = f", {format_count(report.up_to_date)} up to date" if report.up_to_date else ""
    gone = f", {format_count(report.removed)} out of date removed" if report.removed else ""
    return f"{_counted(report.written, 'variant')} to {report.written_to}{there}{gone}"


def _problems(report: OptimizeReport) -> Part | None:
    if not report.problems:
        return None
    rows = tuple((Cell(one.path, "warn"), one.why) for one in report.problems[:_MOST_PROBLEMS])
    more = len(report.problems) - _MOST_PROBLEMS
    caption = f"and {format_count(more)} more, in -o json" if more > 0 else None
    return Table((Column("left out", wraps=True), Column("why", wraps=True)), rows, caption=caption)


def _counted(count: int, noun: str) -> str:
    return f"{format_count(count)} {noun}{'' if count == 1 else 's'}"


def _percent(ratio: float) -> str:
    return f"{ratio * 100:.1f} %"
