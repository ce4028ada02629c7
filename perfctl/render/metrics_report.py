"""A report of a window of the history as one file: HTML that needs nothing beside itself and no script, or Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from perfctl.metrics.model.reports import FigureChange, MetricsReport, MetricsReportWritten, ObjectiveSpent
from perfctl.metrics.model.snapshots import MeasuredGroup
from perfctl.render import plan_html, series_svg, view_html, view_markdown
from perfctl.render.metrics import number
from perfctl.render.metrics_groups import groups_table
from perfctl.render.spark import spark
from perfctl.render.view import Cell, Column, Facts, Table, Tone, View, view
from perfctl.units import format_bytes, format_duration_ms

_TITLE = "Performance report"
_TONES: dict[str, Tone] = {"better": "good", "worse": "bad"}
_STYLE = """
:root{--good:#1a7f37}@media (prefers-color-scheme:dark){:root{--good:#3fb950}}
.charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(320px,1fr));gap:1rem}.charts svg{width:100%;
height:auto}
"""


def report_html(report: MetricsReport) -> str:
    """The page as the text of a file."""
    return plan_html.page_of(
        _TITLE,
        [
            f"<style>{view_html.STYLE}{_STYLE}</style>",
            *view_html.html_of(_head(report)),
            *_html("Before and after", view(_changes(report))),
            "<h2>Over time</h2>",
            '<div class="charts">',
            *_charts(report),
            "</div>",
            *(line for title, part in _sections(report) for line in _html(title, part)),
        ],
    )


def report_markdown(report: MetricsReport) -> str:
    """The same as Markdown; a figure's way is a row of little bars."""
    lines = [f"# {_TITLE}", "", *view_markdown.markdown_of(_head(report))]
    for title, part in (("Before and after", view(_changes(report, with_trends=True))), *_sections(report)):
        lines += [f"## {title}", "", *view_markdown.markdown_of(part)]
    return "\n".join(lines).rstrip() + "\n"


def written_view(result: MetricsReportWritten) -> View:
    """Where it is, and what it says in short."""
    lasting = format_duration_ms(result.since_seconds * 1000)
    pairs: list[tuple[str, Cell | str]] = [
        ("written to", f"{result.path} ({result.format}, {format_bytes(result.size_bytes)})"),
        ("of the last", f"{lasting}, of which {_share(result.measured_seconds, result.since_seconds)} was measured"),
    ]
    if result.worse:
        pairs.append(("worse than before", Cell(", ".join(result.worse), "bad")))
    if result.missed:
        pairs.append(("objectives missed", Cell(", ".join(result.missed), "bad")))
    if result.unmeasured:
        pairs.append(("not measured", Cell(", ".join(result.unmeasured), "dim")))
    return view(Facts(tuple(pairs)))


def _head(report: MetricsReport) -> View:
    lasting = report.since_seconds
    return view(
        Facts(
            (
                ("context", report.context),
                ("window", f"{report.start:%Y-%m-%d %H:%M} to {report.end:%Y-%m-%d %H:%M} UTC"),
                ("measured", f"{_share(report.measured_seconds, lasting)} of it"),
                ("compared with", f"the window before, of which {_share(report.measured_before_seconds, lasting)}"),
            )
        )
    )


def _sections(report: MetricsReport) -> Iterator[tuple[str, View]]:
    yield "Objectives", view(_objectives(report))
    yield "Worst queries", view(_groups("fingerprint", report.queries))
    yield "Worst routes", view(_groups("route", report.routes))
    yield "Namespaces of the cache", view(_groups("namespace", report.namespaces))


def _changes(report: MetricsReport, *, with_trends: bool = False) -> Table:
    columns = [
        Column("metric"),
        Column("before", "right"),
        Column("now", "right"),
        Column("unit"),
        Column("change", "right"),
    ]
    if with_trends:
        columns.append(Column("trend"))
    columns.append(Column("why not", wraps=True))
    return Table(tuple(columns), tuple(_change(figure, with_trends=with_trends) for figure in report.figures))


def _change(figure: FigureChange, *, with_trends: bool) -> tuple[Cell | str, ...]:
    trend = (spark(figure.trend, width=48),) if with_trends else ()
    change = "-" if figure.change is None else f"{figure.change * 100:+.1f} %"
    return (
        figure.name,
        _value(figure.before),
        Cell(_value(figure.now), "strong"),
        figure.unit,
        Cell(f"{change} {figure.direction}" if figure.direction in _TONES else change, _TONES.get(figure.direction)),
        *trend,
        Cell(figure.reason or "", "dim"),
    )


def _charts(report: MetricsReport) -> Iterator[str]:
    for figure in report.figures:
        if any(value is not None for value in (*figure.trend, *figure.trend_before)):
            drawn = series_svg.Series(
                figure.name,
                figure.unit,
                figure.trend,
                figure.trend_before,
                f"{report.start:%m-%d %H:%M}",
                f"{report.end:%m-%d %H:%M}",
            )
            yield series_svg.svg_of(drawn, identity=figure.name)


def _objectives(report: MetricsReport) -> Table:
    columns = (
        Column("objective"),
        Column("should be", "right"),
        Column("observed", "right"),
        Column("over"),
        Column("budget spent", "right"),
        Column("burn now", "right"),
        Column("why not", wraps=True),
    )
    return Table(
        columns,
        tuple(_objective(each) for each in report.objectives),
        empty="no objectives are configured: metrics.budgets names files of them",
    )


def _objective(each: ObjectiveSpent) -> tuple[Cell | str, ...]:
    tone: Tone | None = (
        None if each.spent is None else "bad" if each.spent > 1 else "warn" if each.spent > 0.5 else "good"
    )
    return (
        each.name,
        f"{each.objective * 100:g} %",
        "-" if each.observed is None else f"{each.observed * 100:.4g} %",
        format_duration_ms(each.window_seconds * 1000),
        Cell("-" if each.spent is None else f"{each.spent * 100:.1f} %", tone),
        "-" if each.burn is None else f"{each.burn:.2g}x",
        Cell(each.reason or "", "dim"),
    )


def _groups(by: str, groups: tuple[MeasuredGroup, ...]) -> Table:
    return groups_table(by, groups, when="in that time")._replace(title=None)


def _html(title: str, part: View) -> Iterator[str]:
    yield f"<h2>{view_html.text(title)}</h2>"
    yield '<div class="wide">'
    yield from view_html.html_of(part)
    yield "</div>"


def _value(value: float | None) -> str:
    return "-" if value is None else number(value)


def _share(seconds: float, whole: float) -> str:
    return f"{min(seconds / whole, 1.0) * 100:.0f} %" if whole else "-"
