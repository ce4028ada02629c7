"""Drawing what was recorded and what was handed on."""

from __future__ import annotations

from perfctl.metrics.model.recorded import Exported, RecordedInterval, Recording
from perfctl.render.view import Cell, Facts, Text, Tone, View, view
from perfctl.units import format_bytes, format_count, format_counted, format_duration_ms, format_ratio


def interval_line(interval: RecordedInterval, *, with_head: bool = False) -> str:
    """One interval as a line of plain columns; `-` is what was not measured."""
    figures = interval.figures
    cells = (
        ("time", 8, f"{interval.at:%H:%M:%S}"),
        ("series", 6, str(interval.series)),
        ("api", 8, format_duration_ms(figures["api_response_time_ms"])),
        ("req/s", 6, _number(figures["requests_per_second"])),
        ("errors", 6, format_ratio(figures["error_rate"])),
        ("query", 8, format_duration_ms(figures["database_query_time_ms"])),
        ("conns", 5, _number(figures["active_connections"])),
        ("hits", 6, format_ratio(figures["cache_hit_rate"])),
        ("cpu", 5, _percent(figures["cpu_usage_percent"])),
    )
    line = "  ".join(text.rjust(width) for _, width, text in cells)
    said = "".join(f"\n          {text}" for text in _said(interval))
    return (line if not with_head else "  ".join(name.rjust(width) for name, width, _ in cells) + "\n" + line) + said


def recording_view(result: Recording) -> View:
    """What was written, where, and what is amiss."""
    lasted = (result.ended - result.started).total_seconds() * 1000
    intervals = f"{format_counted(result.intervals, 'interval')} of {result.every_seconds:g} s"
    pairs: list[tuple[str, Cell | str]] = [
        ("recorded", f"{intervals}, in {format_duration_ms(lasted)}"),
        ("series", format_count(result.series)),
        ("history", result.file),
        ("size", format_bytes(result.size_bytes)),
        ("since", f"{result.oldest:%Y-%m-%d %H:%M}" if result.oldest else "-"),
    ]
    return view(Facts((*pairs, *_amiss(result))))


def exported_view(result: Exported) -> View:
    """Where it was written to, and what of."""
    what = f"{format_counted(result.series, 'series', 'series')} since {result.since:%Y-%m-%d %H:%M}"
    return view(Text(f"{result.file}: {result.format}, {what}, {format_bytes(result.size_bytes)}"))


def _amiss(result: Recording) -> list[tuple[str, Cell | str]]:
    bad: Tone = "bad"
    found: list[tuple[str, Cell | str]] = []
    if result.unwritten_seconds:
        found.append(("not written", Cell(format_duration_ms(result.unwritten_seconds * 1000), bad)))
    if result.unanswered:
        found.append(("no answer", Cell(", ".join(result.unanswered), "warn")))
    if result.firing:
        found.append(("firing", Cell(", ".join(result.firing), bad)))
    return found


def _said(interval: RecordedInterval) -> list[str]:
    unanswered = [f"no answer from {' and '.join(interval.unanswered)}"] if interval.unanswered else []
    return [*unanswered, *([f"firing: {', '.join(interval.firing)}"] if interval.firing else [])]


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return format_count(round(value)) if value >= 100 or value == int(value) else f"{value:.3g}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f} %"
