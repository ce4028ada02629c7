"""Drawing what was preloaded."""

from __future__ import annotations

from perfctl.cdn.model.preloads import PreloadReport, Warmed
from perfctl.render.view import Cell, Column, Facts, Table, View, view
from perfctl.units import format_bytes, format_count, format_duration_ms

_WIDE = 110


def preload_view(report: PreloadReport) -> View:
    """What failed first, then what is not kept, then the rest."""
    columns = (
        Column("warm"),
        Column("first"),
        Column("status", "right"),
        Column("encoding"),
        Column("size", "right"),
        Column("took", "right", from_width=_WIDE),
        Column("location", from_width=_WIDE),
        Column("url", wraps=True),
    )
    rows = tuple(_row(row) for row in report.rows)
    caption = f"{report.warmed} of {report.requested} warm, {report.failed} failed"
    return view(Table(columns, rows, caption=caption, empty="nothing was asked for"), _facts(report))


def _row(row: Warmed) -> tuple[Cell | str, ...]:
    return (
        Cell("yes", "good") if row.is_warm else Cell("no", "bad"),
        row.first,
        "-" if row.status is None else str(row.status),
        row.encoding,
        format_bytes(row.size_bytes),
        format_duration_ms(row.took_ms),
        row.via_pop or row.location or "-",
        row.url + _remark(row),
    )


def _remark(row: Warmed) -> str:
    onwards = f" -> {row.redirected_to}" if row.redirected_to else ""
    why = row.error or row.why_not_kept
    return f"{onwards}: {why}" if why else onwards


def _facts(report: PreloadReport) -> Facts | None:
    if not report.requests:
        return None
    rate = report.requests / report.took_seconds if report.took_seconds else 0.0
    pace = f", {format_count(round(rate))} a second" if rate >= 1 else ""
    took = format_duration_ms(report.took_seconds * 1000)
    return Facts((("sent", f"{format_count(report.requests)} requests in {took}{pace}"),))
