"""A report of a database as one file: HTML that needs nothing beside itself and no script, or Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from perfctl.db.model.reports import DatabaseReport, ExplainedQuery, ReportWritten, ServerSettings
from perfctl.db.model.statements import SlowQueries
from perfctl.db.sqltext import one_line
from perfctl.render import plan_html, view_html, view_markdown
from perfctl.render.db_slow import lasting
from perfctl.render.show import view_of
from perfctl.render.view import Cell, Column, Facts, Table, Text, Tone, View, view
from perfctl.units import format_bytes, format_duration_ms

_TITLE = "Database report"
_TONES: dict[str, Tone] = {"pass": "good", "warn": "warn", "fail": "bad"}
_TITLE_LENGTH = 90
_STYLE = """
:root{--good:#1a7f37;--link:#0969da}@media (prefers-color-scheme:dark){:root{--good:#3fb950;--link:#4493f8}}
a{color:var(--link)}details.section,details.plan{margin-left:0;border-left:0;padding-left:0}
details.section>summary{list-style-position:outside;margin-top:2rem}details.section>summary h2{display:inline;margin:0}
details.plan{margin:.8rem 0;border-top:1px solid var(--line);padding-top:.4rem}details.plan>summary{font-weight:600;
overflow-wrap:anywhere}details.plan h2{font-size:1rem;margin-top:1.2rem}
details.plan pre{max-height:22rem;overflow:auto}
"""


def report_html(report: DatabaseReport, *, redacted: bool = False) -> str:
    """The page as the text of a file."""
    sections = list(_sections(report))
    links = " · ".join(f'<a href="#{_anchor(title)}">{view_html.text(title)}</a>' for title, _ in sections)
    return plan_html.page_of(
        _TITLE,
        [
            f"<style>{view_html.STYLE}{_STYLE}</style>",
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
        ("verdict", Cell(result.status, _TONES[result.status])),
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
        ("verdict", Cell(report.status, _TONES[report.status])),
    ]
    if report.slow is not None:
        pairs.append(("statements", _window(report.slow)))
    if redacted:
        pairs.append(("redacted", "names and literals are replaced, each by the same everywhere"))
    missing = [f"{part.section}: {part.reason}{f' ({part.hint})' if part.hint else ''}" for part in report.missing]
    return view(Facts(tuple(pairs)), Text("not in it:\n  " + "\n  ".join(missing), "warn") if missing else None)


def _window(slow: SlowQueries) -> str:
    """Of which time the statements are, and who counted them."""
    since = f"since {slow.since:%Y-%m-%d %H:%M} UTC" if slow.since else "since the last reset"
    until = f" until {slow.until:%Y-%m-%d %H:%M} UTC" if slow.until else ""
    window = f" ({lasting(slow.window_seconds)})" if slow.window_seconds else ""
    return f"{since}{until}{window}, of {'the recorded history' if slow.source == 'history' else slow.source}"


def _html_section(title: str, result: Any) -> Iterator[str]:
    """A section that may be folded away; of the plans only the costliest statement's is open."""
    yield f'<details open class="section" id="{_anchor(title)}"><summary><h2>{view_html.text(title)}</h2></summary>'
    if isinstance(result, tuple):
        for number, query in enumerate(result):
            yield from _html_query(query, is_open=number == 0)
    else:
        yield from view_html.html_of(view_of(result))
    yield "</details>"


def _html_query(query: ExplainedQuery, *, is_open: bool) -> Iterator[str]:
    head = f"{query.fingerprint} · {format_duration_ms(query.total_ms)} in all · {one_line(query.query, _TITLE_LENGTH)}"
    yield f'<details{" open" if is_open else ""} class="plan"><summary>{view_html.text(head)}</summary>'
    if query.plan is None:
        yield f"<pre>{view_html.text(query.query)}</pre><p>no plan: {view_html.text(query.reason or '')}</p>"
    else:
        yield from plan_html.body_of(query.plan)
    yield "</details>"


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
