"""One door to every output: an answer and an output's name in, text out."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

from perfctl.document.envelope import Meta, Output, data_of, dumps, envelope, or_more, rows_of, shorten
from perfctl.render.view import Cell, Column, Facts, Table, Text, View, view

MAX_BOXED_ROWS = 500
"""A longer table is drawn plain: measuring its cells for a box costs a hundred times the rest."""


def show(
    result: Any,
    *,
    words: tuple[str, ...],
    output: Output,
    context: str,
    limit: int | None,
    took_ms: float,
    warnings: tuple[str, ...] = (),
    colour: bool = False,
    width: int = 80,
    ascii_only: bool = False,
) -> str:
    """The whole text of an answer for stdout, ending in a newline; at most `limit` rows of it."""
    shown, total, count = shorten(result, limit)
    meta = Meta(context=context, total=total, shown=count, truncated=count < total, took_ms=round(took_ms, 3))
    if output == "json":
        return dumps(envelope(words, shown, meta, warnings)) + "\n"
    if output == "ndjson":
        return "".join(dumps(row) + "\n" for row in rows_of(shown))
    if output == "csv":
        return _csv(rows_of(shown), _header(shown))
    drawn = view_of(shown)
    if output == "plain" or row_count(drawn) > MAX_BOXED_ROWS:
        from perfctl.render.plain import draw as draw_plain

        return draw_plain(drawn)
    from perfctl.render.terminal import draw as draw_terminal

    return draw_terminal(
        drawn, caption=_caption(meta, or_more(result)), colour=colour, width=width, ascii_only=ascii_only
    )


def row_count(drawn: View) -> int:
    """How many rows the largest table of a view has."""
    return max((len(part.rows) for part in drawn.parts if isinstance(part, Table)), default=0)


def view_of(result: Any) -> View:
    """The view that a room's drawing tables (`VIEWS` and `LATER` of `perfctl.render.<room>`) have for a result."""
    drawer = _drawer(type(result))
    return drawer(result) if drawer else _generic(result)


def _drawer(kind: type) -> Callable[[Any], View] | None:
    package, _, rest = kind.__module__.partition(".")
    room = rest.partition(".")[0]
    if package != "perfctl" or not room or room == "cli":
        return None
    try:
        module = importlib.import_module(f"perfctl.render.{room}")
    except ModuleNotFoundError as error:
        if error.name != f"perfctl.render.{room}":
            raise
        return None
    views: Mapping[type, Callable[[Any], View]] = module.VIEWS
    return views.get(kind) or _later(getattr(module, "LATER", {}).get(f"{kind.__module__}.{kind.__name__}"))


def _later(place: str | None) -> Callable[[Any], View] | None:
    """The drawing of what few commands answer, from a file of its own: `cache_look:top_view`."""
    if place is None:
        return None
    file, _, name = place.partition(":")
    drawer: Callable[[Any], View] = getattr(importlib.import_module(f"perfctl.render.{file}"), name)
    return drawer


def _generic(result: Any) -> View:
    """Field by field: what a result looks like that nobody drew."""
    listing = getattr(type(result), "listing", None)
    data = data_of(result)
    fields = data if isinstance(data, dict) else {"value": data}
    facts = tuple((name.replace("_", " "), _text(value)) for name, value in fields.items() if name != listing)
    return view(_generic_rows(rows_of(result)) if listing else None, Facts(facts) if facts else None)


def _generic_rows(rows: list[Any]) -> Table | Text:
    """A table of what has fields; plain values one a line."""
    if rows and not isinstance(rows[0], dict):
        return Text("\n".join(_text(row) for row in rows))
    return _generic_table(rows)


def _generic_table(rows: list[dict[str, Any]]) -> Table:
    if not rows:
        return Table((), ())
    columns = tuple(
        Column(name.replace("_", " "), align="right" if all(_is_number(row[name]) for row in rows) else "left")
        for name in rows[0]
    )
    return Table(columns, tuple(tuple(Cell(_text(value)) for value in row.values()) for row in rows))


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _caption(meta: Meta, more: str) -> str:
    truncated = f" · {meta.shown} of {meta.total}{more} shown, --limit 0 shows all" if meta.truncated else ""
    return f"context {meta.context}{truncated}"


def _header(result: Any) -> list[str]:
    """The names of its rows' columns, which stand even where there is no row; none where the rows say them alone."""
    columns = getattr(result, "columns", None)
    return [column.name for column in columns] if columns else []


def _csv(rows: list[Any], header: list[str]) -> str:
    """RFC 4180: a header, then a line a row; nested values as JSON in their cell."""
    if not (rows or header):
        return ""
    import csv
    import io

    text = io.StringIO()
    flat = [row if isinstance(row, dict) else {"value": row} for row in rows]
    names = list(flat[0]) if flat else header
    writer = csv.DictWriter(text, fieldnames=names, lineterminator="\r\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows({name: _text(value) for name, value in row.items()} for row in flat)
    return text.getvalue()


def _text(value: object) -> str:
    if value is None:
        return ""
    return dumps(value) if isinstance(value, (dict, list, bool)) else str(value)
