"""Drawing the answers of the `config` commands."""

from __future__ import annotations

from perfctl.config.model import EffectiveSettings, Setting, Validation, WrittenFile
from perfctl.render.view import Cell, Column, Table, Text, Tone, View, view


def settings_view(result: EffectiveSettings) -> View:
    """A setting a line; what somebody set stands out from the defaults."""
    origin = (Column("origin", wraps=True),) if result.with_origin else ()
    columns = (Column("setting"), Column("value", wraps=True), *origin)
    files = "\n  ".join(result.files) or "none"
    table = Table(columns, tuple(_row(setting, with_origin=result.with_origin) for setting in result.rows))
    return view(table, Text(f"files, the strongest last:\n  {files}", "dim"))


def validation_view(result: Validation) -> View:
    """A file a line: it is valid, else there would be an error."""
    columns = (Column("file", wraps=True), Column("contexts", wraps=True), Column("warnings", align="right"))
    rows = tuple((row.path, ", ".join(row.contexts) or "-", str(row.warnings)) for row in result.rows)
    return view(Table(columns, rows, empty="no file: the defaults and the environment hold, and are valid"))


def written_view(result: WrittenFile) -> View:
    """The file, and what to do with it."""
    return view(Text(f"wrote {result.path}\nset what you need, then: perfctl config validate"))


def _row(setting: Setting, *, with_origin: bool) -> tuple[Cell | str, ...]:
    tone: Tone | None = "dim" if setting.origin == "default" else "strong"
    cells = (Cell(setting.key, tone), Cell(_text(setting.value), tone))
    return (*cells, Cell(setting.origin, tone)) if with_origin else cells


def _text(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "true" if value else "false"
    return ", ".join(str(item) for item in value) or "-" if isinstance(value, tuple) else str(value)


VIEWS = {EffectiveSettings: settings_view, Validation: validation_view, WrittenFile: written_view}
