"""A report of a database as one file: HTML that needs nothing beside itself and no script, or Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from perfctl.db.model.reports import DatabaseReport, ExplainedQuery, ReportWritten, ServerSettings
from perfctl.render import plan_html, view_html, view_markdown
from perfctl.render.show import view_of
from perfctl.render.view import Cell, Column, Facts, Table, Text, View, view
from perfctl.units import format_bytes, format_duration_ms

_TITLE = "Database report"
_COLOURS = "<style>:root{--good:#1a7f37}@media (prefers-color-scheme:dark){:root{--good:#3fb950}}</style>"


def report_html(report: DatabaseReport, *, redacted: bool = False) -> str:
    """The page as the text of a file."""
    sections = list(_sections(report))
    links = " · ".join(f'<a href="#{_anchor(title)}">{view_html.text(title)}</a>' for title, _ in sections)
    return plan_html.page_of(
        _TITLE,
        [
            _COLOURS,
            f"<style>{view_html.STYLE}</style>",
            *view_html.html_of(_head(report, redacted=redacted)),
            f"<p>{links}</p>",
            *(line for title, result in sections for line in _html_section(title, result)),
        ],
    )


def report_markdown(report: DatabaseReport, *, redacted: bool = False) -> str:
    """The same as Markdown; plans as the tree that a pipe would get."""
    lines = [f"# {_TITLE}", "", *view_markdown.markdown_of(_head(report, redacted=redacted))]
    for title, result in _sections(report):
        lines += [f"## {title}", ""]
        if isinstance(result, tuple):
            for query in result:
                lines += _markdown_query(query)
        else:
            lines += view_markdown.markdown_of(view_of(result))
    return "\n".join(lines).rstrip() + "\n"


def written_view(result: ReportWritten) -> View:
    """Where it is, and what is in it."""
    pairs: list[tuple[str, Cell | str]] = [
        ("written to", f"{result.path} ({result.format}, {format_bytes(result.size_bytes)})"),
        ("verdict", Cell(result.status, {"pass": "good", "warn": "warn", "fail": "bad"}[result.status])),  # type: ignore[arg-type]
        ("sections", ", ".join(result.sections)),
    ]
    if result.redacted:
        pairs.append(("redacted", "names and literals are replaced, each by the same everywhere"))
    pairs += [(f"without {part.section}", Cell(part.reason, "warn")) for part in result.missing]
    return view(Facts(tuple(pairs)))


def settings_view(result: ServerSettings) -> View:
    """A setting on a line."""
    columns = (Column("setting"), Column("value", wraps=True), Column("default", wraps=True), Column("set by"))
    rows = tuple((row.name, row.setting, row.default, row.source) for row in result.rows)
    return view(Table(columns, rows, empty="every setting is as PostgreSQL was built"))


def section_titles(report: DatabaseReport) -> tuple[str, ...]:
    """What is in it."""
    return tuple(title for title, _ in _sections(report))


def _sections(report: DatabaseReport) -> Iterator[tuple[str, Any]]:
    parts: tuple[tuple[str, Any], ...] = (
        ("Checks", report.check),
        ("Slow queries", report.slow),
        ("Plans", report.queries or None),
        ("Locks", report.locks),
        ("Activity", report.activity),
        ("Settings", report.settings),
        ("Doctor", report.doctor),
    )
    return ((title, result) for title, result in parts if result is not None)


def _head(report: DatabaseReport, *, redacted: bool) -> View:
    pairs: list[tuple[str, Cell | str]] = [
        ("server", report.server),
        ("made", f"{report.made_at:%Y-%m-%d %H:%M} UTC"),
        ("verdict", report.status),
    ]
    if redacted:
        pairs.append(("redacted", "names and literals are replaced, each by the same everywhere"))
    missing = [f"{part.section}: {part.reason}{f' ({part.hint})' if part.hint else ''}" for part in report.missing]
    return view(Facts(tuple(pairs)), Text("not in it:\n  " + "\n  ".join(missing), "warn") if missing else None)


def _html_section(title: str, result: Any) -> Iterator[str]:
    yield f'<h2 id="{_anchor(title)}">{view_html.text(title)}</h2>'
    if not isinstance(result, tuple):
        yield from view_html.html_of(view_of(result))
        return
    for query in result:
        yield f"<h3>{view_html.text(query.fingerprint)} · {format_duration_ms(query.total_ms)} in all</h3>"
        if query.plan is None:
            yield f"<pre>{view_html.text(query.query)}</pre><p>no plan: {view_html.text(query.reason or '')}</p>"
        else:
            yield from plan_html.body_of(query.plan)


def _markdown_query(query: ExplainedQuery) -> Iterator[str]:
    yield f"### {query.fingerprint} · {format_duration_ms(query.total_ms)} in all"
    yield ""
    if query.plan is None:
        yield from (f"no plan: {view_markdown.text(query.reason or '')}", "", *_fenced(query.query))
    else:
        from perfctl.render.plain import draw

        yield from _fenced(draw(view_of(query.plan)))
    yield ""


def _fenced(words: str) -> Iterator[str]:
    """A block as it is; its fence is longer than any within it."""
    longest = max((len(run) for run in words.split("\n") if set(run) == {"`"}), default=0)
    fence = "`" * max(3, longest + 1)
    yield fence
    yield words.rstrip("\n")
    yield fence


def _anchor(title: str) -> str:
    return title.lower().replace(" ", "-")
