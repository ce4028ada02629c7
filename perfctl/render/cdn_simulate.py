"""Drawing a simulated CDN: the hit ratio over the TTL, a row a configuration, how the log's own caches work."""

from __future__ import annotations

from perfctl.cdn.model.simulation import CdnSimulation, ContentFit, Corpus, WhatIf
from perfctl.render.view import Cell, Chart, Column, Curve, Facts, Table, Text, Tone, View, view
from perfctl.units import format_bytes, format_count, format_counted, format_duration_ms, format_ratio

_MOST_CONTENTS = 12
_POINTS = 3
_CENT = 0.01
_COUNTED = "to the origin: misses, and refreshes of what has expired"
_TTL_WORDS = (
    ("never", "not cached: the log shows no hit"),
    ("beyond", "longer: no object was seen to expire"),
    ("all", "(in brackets): that of all content, for want of evidence"),
)
_TTL_FROM = {"never": "not cached", "beyond": "longer", "all": ""}


def simulation_view(result: CdnSimulation) -> View:
    """The curve on a terminal, the rows, then what they rest on."""
    chart = _chart(result)
    return view(
        Text(_headline(result)), chart, _rows(result), Text(_COUNTED, "dim"), _contents(result), Text(_said(result))
    )


def corpus_view(result: Corpus) -> View:
    """What was made up."""
    pairs: tuple[tuple[str, Cell | str], ...] = (
        ("requests", format_count(result.requests)),
        ("urls", format_count(result.urls)),
        ("hours", f"{result.hours:g}"),
        ("files", f"{format_count(result.files)} of {result.form}, {format_bytes(result.size_bytes)}"),
        ("hit ratio", format_ratio(result.hit_ratio)),
        ("hits", format_count(result.hits)),
        ("refresh hits", format_count(result.refresh_hits)),
        ("misses", format_count(result.misses)),
    )
    return View((Facts(pairs, title=result.folder),))


def _headline(result: CdnSimulation) -> str:
    took = f" in {format_duration_ms(result.hours * 3_600_000)}" if result.hours else ""
    key = f"a cache at each {'edge location' if result.caches == 'location' else 'region'}, keyed by {result.cache_key}"
    rest = result.requests - result.replayed
    others = f"; {format_count(rest)} are errors, redirects,\nother methods, or without a date" if rest else ""
    return (
        f"{format_counted(result.requests, 'request')}{took}, {format_count(result.replayed)} replayed{others}\n"
        f"the log's caches: {key}"
    )


def _chart(result: CdnSimulation) -> Chart | None:
    """The hit ratio of the rows that differ by their TTL alone."""
    found = sorted(
        (row.ttl_seconds, row.hit_ratio)
        for row in result.rows
        if row.ttl_seconds and row.hit_ratio is not None and row.name.startswith("TTL ") and "," not in row.name
    )
    if len(found) < _POINTS:
        return None
    return Chart((Curve("all that is cached", tuple(found)),), "TTL in seconds, logarithmic", "hit ratio")


def _rows(result: CdnSimulation) -> Table:
    columns = (
        Column("configuration", wraps=True),
        Column("hit ratio", "right"),
        Column("to the origin", "right"),
        Column("from the origin", "right", from_width=100),
        Column("cost $", "right"),
        Column("saved $", "right"),
        Column("a month $", "right", from_width=100),
    )
    best = max((row.hit_ratio or 0.0 for row in result.rows), default=0.0)
    return Table(columns, tuple(_row(row, best) for row in result.rows))


def _row(row: WhatIf, best: float) -> tuple[Cell | str, ...]:
    return (
        Cell(row.name, "strong" if row.saved_usd is None else None),
        Cell(format_ratio(row.hit_ratio), "good" if row.hit_ratio == best else None),
        format_count(row.origin_requests),
        format_bytes(row.origin_bytes),
        _dollars(row.cost_usd),
        "-" if row.saved_usd is None else Cell(_dollars(row.saved_usd), _tone(row.saved_usd)),
        _dollars(row.month_saved_usd),
    )


def _tone(saved: float) -> Tone | None:
    return None if abs(saved) < _CENT / 2 else "good" if saved > 0 else "bad"


def _dollars(amount: float | None) -> str:
    if amount is None:
        return "-"
    return f"{0.0 if abs(amount) < _CENT / 2 else amount:,.2f}".replace(",", " ")


def _contents(result: CdnSimulation) -> Table | None:
    if not result.contents:
        return None
    columns = (
        Column("content", wraps=True),
        Column("requests", "right"),
        Column("ttl", "right"),
        Column("observed hits", "right"),
        Column("replayed", "right"),
    )
    rows = tuple(_content(one) for one in result.contents[:_MOST_CONTENTS])
    more = len(result.contents) - len(rows)
    shown = {one.ttl_from for one in result.contents[:_MOST_CONTENTS]}
    notes = [f"and {more} more kinds"] if more else []
    notes += [f"ttl {meaning}" for word, meaning in _TTL_WORDS if word in shown]
    return Table(columns, rows, title="as it is", caption="\n".join(notes) or None)


def _content(one: ContentFit) -> tuple[Cell | str, ...]:
    ttl = format_duration_ms(one.ttl_seconds * 1000) if one.ttl_seconds else ""
    return (
        one.pattern,
        format_count(one.requests),
        _TTL_FROM.get(one.ttl_from, "") or (f"({ttl or 'longer'})" if one.ttl_from == "all" else ttl),
        format_ratio(one.observed_hit_ratio),
        format_ratio(one.replayed_hit_ratio),
    )


def _said(result: CdnSimulation) -> str:
    if result.residual is None:
        return "no request can be replayed"
    idle = f"\nobjects are forgotten after {result.idle_seconds:g} s without a request" if result.idle_seconds else ""
    return (
        f"residual {result.residual * 100:+.2f} points of hit ratio: the replay as it is, less the log\n"
        f"the replay answers {format_ratio(result.agreement)} of the requests as the log did{idle}"
    )
