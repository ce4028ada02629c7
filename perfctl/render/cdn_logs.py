"""Drawing what the access logs tell."""

from __future__ import annotations

from datetime import datetime, timedelta

from perfctl.cdn.model.logs import (
    Counted,
    ErrorRow,
    HourRow,
    LatencyRow,
    LogErrors,
    LogFacts,
    LogLatency,
    LogMisses,
    LogPlaces,
    LogReport,
    LogStats,
    LogTop,
    MissReason,
    PlaceRow,
    Quantiles,
    TopRow,
)
from perfctl.render.spark import spark
from perfctl.render.view import Cell, Column, Facts, Part, Table, Text, View, view
from perfctl.units import format_bytes, format_count, format_counted, format_duration_ms, format_ratio

_WIDE = 110
_BAR = 30
_MOST_HOURS = 60
_MOST_PLACES = 8
_MOST_STATUSES = 6
_MOST_PARAMETERS = 8
_NOTHING = "no request is in these logs, or none within --since, --until and the other filters"


def report_view(result: LogReport) -> View:
    """The figures, the hours, the regions, then a URL on a line."""
    shown = result.regions[:_MOST_PLACES]
    return view(
        Text(_head(result)),
        _figures(result),
        _hours(result.hours),
        _places(shown, "region", title="by region") if shown else None,
        _urls(result.rows, "requests", "path", result.at_most_too_high),
    )


def stats_view(result: LogStats) -> View:
    """The figures alone."""
    return view(Text(_head(result)), _figures(result))


def top_view(result: LogTop) -> View:
    """A label on a line."""
    return view(Text(_head(result)), _urls(result.rows, result.by, result.of, result.at_most_too_high))


def places_view(result: LogPlaces) -> View:
    """An edge location, a city or a region on a line."""
    return view(Text(_head(result)), _places(result.rows, result.by))


def misses_view(result: LogMisses) -> View:
    """A reason on a line with what mends it; then the parameters of the query strings."""
    columns = (
        Column("missed", "right"),
        Column("share", "right"),
        Column("reason", wraps=True),
        Column("what mends it", wraps=True),
        Column("for example", wraps=True, from_width=_WIDE),
    )
    sampled = result.sampled_ratio
    caption = None if sampled == 1 else f"estimated from {format_ratio(sampled)} of the paths, drawn at random"
    table = Table(columns, tuple(_reason_row(row) for row in result.rows), caption=caption, empty="nothing missed")
    missed = f"{format_count(result.misses)} of them missed ({format_ratio(result.miss_ratio)})"
    return view(Text(f"{_head(result)}\n{missed}"), table, _parameters(result))


def errors_view(result: LogErrors) -> View:
    """A status on a line with what the edge says of it and where it happened."""
    columns = (
        Column("requests", "right"),
        Column("share", "right"),
        Column("status"),
        Column("what the edge says", wraps=True),
        Column("most at", wraps=True),
        Column("locations", wraps=True, from_width=_WIDE),
    )
    table = Table(columns, tuple(_error_row(row) for row in result.rows), empty="no error is in these logs")
    answered = f"{format_counted(result.errors, 'error')} ({format_ratio(result.error_ratio)})"
    return view(Text(f"{_head(result)}\n{answered}"), _hours(result.hours, of="errors"), table)


def latency_view(result: LogLatency) -> View:
    """All requests as bars, then a group on a line."""
    overall = f"{result.of}: {_times(result.overall)}"
    columns = (
        Column(result.by, wraps=True),
        Column("requests", "right"),
        Column("share", "right", from_width=_WIDE),
        Column("mean ms", "right"),
        Column("p50 ms", "right"),
        Column("p95 ms", "right"),
        Column("p99 ms", "right"),
    )
    rows = Table(columns, tuple(_latency_row(row) for row in result.rows), empty=_NOTHING)
    return view(Text(f"{_head(result)}\n{overall}"), _bars(result), rows)


def _head(facts: LogFacts) -> str:
    """How much was read, of which time, and what was passed over."""
    read = f"{format_counted(facts.requests, 'request')} in {format_counted(facts.files, 'file')}"
    if facts.first_at is not None and facts.last_at is not None:
        read += f", {facts.first_at:%Y-%m-%d %H:%M} to {_until(facts.first_at, facts.last_at)} UTC"
    passed = (
        (facts.malformed, "malformed"),
        (facts.left_out, "left out by the filters"),
        (facts.truncated_files, "of the files cut short"),
    )
    also = [f"{format_count(count)} {what}" for count, what in passed if count]
    return f"{read}\n{', '.join(also)}" if also else read


def _until(first: datetime, last: datetime) -> str:
    return f"{last:%H:%M}" if first.date() == last.date() else f"{last:%Y-%m-%d %H:%M}"


def _figures(stats: LogStats) -> Facts:
    official = stats.official
    rate = "-" if stats.requests_per_second is None else f"{stats.requests_per_second:.1f} requests/s"
    return Facts(
        (
            ("hit ratio", Cell(f"{format_ratio(stats.hit_ratio)} (Hit and RefreshHit)", "strong")),
            ("to the origin", f"{format_ratio(stats.origin_request_ratio)} (misses, errors, RefreshHit)"),
            ("bandwidth saved", f"{format_ratio(stats.bandwidth_saved_ratio)} of {format_bytes(stats.sent_bytes)}"),
            ("console hit ratio", f"{format_ratio(official.console_hit_ratio)} (Hit alone)"),
            ("bytes from misses", _of_misses(stats)),
            ("CacheHitRate", f"{format_ratio(official.cache_hit_rate)} (of cacheable requests, as CloudWatch has it)"),
            ("errors", f"{format_count(stats.errors_4xx)} 4xx, {format_count(stats.errors_5xx)} 5xx{_share(stats)}"),
            ("time taken", _times(stats.time_taken)),
            ("first byte", _times(stats.time_to_first_byte)),
            ("rate", rate),
            *_by_status(stats),
        )
    )


def _of_misses(stats: LogStats) -> str:
    official = stats.official
    return f"{format_bytes(official.bytes_from_misses)}, {format_ratio(official.bytes_from_misses_ratio)} of all"


def _share(stats: LogStats) -> str:
    return f" ({format_ratio(stats.error_ratio)})" if stats.error_ratio is not None else ""


def _by_status(stats: LogStats) -> tuple[tuple[str, str], ...]:
    if not isinstance(stats, LogReport) or not stats.requests:
        return ()
    return (
        ("by status", _shares(stats.statuses[:_MOST_STATUSES])),
        ("by result", _shares(stats.results[:_MOST_STATUSES])),
    )


def _shares(rows: tuple[Counted, ...]) -> str:
    return ", ".join(f"{row.name} {format_ratio(row.share)}" for row in rows)


def _times(times: Quantiles) -> str:
    if not times.requests:
        return "-"
    named = (("p50", times.p50_ms), ("p95", times.p95_ms), ("p99", times.p99_ms), ("mean", times.mean_ms))
    return ", ".join(f"{name} {format_duration_ms(value)}" for name, value in named)


def _hours(hours: tuple[HourRow, ...], *, of: str = "requests") -> Part | None:
    """Each hour as a bar; where there are many, the last ones."""
    if len(hours) < 2:
        return None
    known = {row.at: row for row in hours}
    first = max(hours[0].at, hours[-1].at - timedelta(hours=_MOST_HOURS - 1))
    count = int((hours[-1].at - first) / timedelta(hours=1)) + 1
    values = [float(getattr(known.get(first + timedelta(hours=at)), of, 0)) for at in range(count)]
    most = format_count(max(values))
    return Text(f"{of} an hour from {first:%Y-%m-%d %H:%M}, at most {most}\n{spark(values, width=_MOST_HOURS)}")


def _places(rows: tuple[PlaceRow, ...], by: str, *, title: str | None = None) -> Table:
    has_city = by != "region"
    columns = (
        Column("code" if by == "city" else by),
        *((Column("city"), Column("region", from_width=_WIDE)) if has_city else ()),
        Column("requests", "right"),
        Column("hit ratio", "right"),
        Column("errors", "right"),
        Column("sent", "right", from_width=_WIDE if has_city else 0),
        Column("p50 ms", "right"),
        Column("p95 ms", "right"),
        Column("p99 ms", "right", from_width=0 if not has_city else _WIDE),
    )
    return Table(columns, tuple(_place_row(row, has_city) for row in rows), title=title, empty=_NOTHING)


def _place_row(row: PlaceRow, has_city: bool) -> tuple[Cell | str, ...]:
    return (
        Cell(row.place, "strong"),
        *((row.city or "-", row.region) if has_city else ()),
        format_count(row.requests),
        format_ratio(row.hit_ratio),
        Cell(format_count(row.errors), "warn" if row.errors else None),
        format_bytes(row.sent_bytes),
        _milliseconds(row.p50_ms),
        _milliseconds(row.p95_ms),
        _milliseconds(row.p99_ms),
    )


def _urls(rows: tuple[TopRow, ...], by: str, of: str, error: int) -> Table:
    columns = (
        Column("requests", "right"),
        Column("share", "right"),
        Column("hit ratio", "right"),
        Column("missed", "right", from_width=0 if by == "misses" else _WIDE),
        Column("errors", "right", from_width=_WIDE),
        Column("sent", "right"),
        Column("mean ms", "right", from_width=0 if by == "time" else _WIDE),
        Column(of, wraps=True),
    )
    caption = f"shares of all {by}" if by != "requests" else None
    if error:
        caption = f"{caption + '; ' if caption else ''}too high by at most {format_count(error)}"
    return Table(columns, tuple(_url_row(row) for row in rows), caption=caption, empty=_NOTHING)


def _url_row(row: TopRow) -> tuple[Cell | str, ...]:
    return (
        format_count(row.requests),
        format_ratio(row.share),
        format_ratio(row.hit_ratio),
        format_count(row.misses),
        Cell(format_count(row.errors), "warn" if row.errors else None),
        format_bytes(row.sent_bytes),
        _milliseconds(row.mean_ms),
        row.name,
    )


def _reason_row(row: MissReason) -> tuple[Cell | str, ...]:
    reason = Cell(row.reason, "strong")
    return (format_count(row.requests), format_ratio(row.share), reason, row.remedy, row.example or "-")


def _parameters(result: LogMisses) -> Table | None:
    if not result.parameters:
        return None
    columns = (
        Column("parameter", wraps=True),
        Column("kind"),
        Column("in misses", "right"),
        Column("different values", "right"),
    )
    rows = tuple(
        (one.name, one.kind, format_count(one.misses), format_count(one.different_values))
        for one in result.parameters[:_MOST_PARAMETERS]
    )
    return Table(columns, rows, title="in the query strings of what missed")


def _error_row(row: ErrorRow) -> tuple[Cell | str, ...]:
    said = ", ".join(_few(one) for one in row.reasons)
    return (
        format_count(row.requests),
        format_ratio(row.share),
        Cell(row.status, "bad"),
        f"{row.meaning}: {said}" if said else row.meaning,
        ", ".join(_few(one) for one in row.urls),
        ", ".join(_few(one) for one in row.places),
    )


def _few(one: Counted) -> str:
    return f"{one.name} ({format_count(one.requests)})"


def _latency_row(row: LatencyRow) -> tuple[Cell | str, ...]:
    return (
        Cell(row.name, "strong"),
        format_count(row.requests),
        format_ratio(row.share),
        *(_milliseconds(value) for value in (row.mean_ms, row.p50_ms, row.p95_ms, row.p99_ms)),
    )


def _bars(result: LogLatency) -> Table | None:
    """How many took how long, in steps of two."""
    most = max((bucket.requests for bucket in result.buckets), default=0)
    if not most:
        return None
    columns = (Column("up to", "right"), Column("requests", "right"), Column("share", "right"), Column(""))
    rows = tuple(
        (
            format_duration_ms(bucket.to_ms),
            format_count(bucket.requests),
            format_ratio(bucket.requests / result.overall.requests),
            "█" * round(bucket.requests / most * _BAR),
        )
        for bucket in result.buckets
    )
    return Table(columns, rows)


def _milliseconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}" if value >= 100 else f"{value:.1f}"
