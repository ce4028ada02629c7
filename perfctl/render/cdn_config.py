"""Drawing what a file changes at a distribution."""

from __future__ import annotations

from perfctl.cdn.model.configuration import Change, ConfigApplied, ConfigDifference
from perfctl.render.view import Cell, Column, Facts, Table, Text, Tone, View, view
from perfctl.units import format_counted

_MARKS: dict[str, Cell] = {"added": Cell("+", "good"), "changed": Cell("~", "warn"), "removed": Cell("-", "bad")}
_STATES: dict[str, Tone] = {"Deployed": "good", "InProgress": "warn", "planned": "dim", "unchanged": "good"}


def difference_view(result: ConfigDifference) -> View:
    """Each value that the file changes, as it is and as it would be."""
    return view(_table(result.changes, _nothing(result.file, result.distribution_id)), _summary(result.changes))


def applied_view(result: ConfigApplied) -> View:
    """How far it is, what was changed, and the way back."""
    facts = (
        ("status", Cell(result.status, _STATES[result.status])),
        ("distribution", result.distribution_id),
        ("version", result.etag),
        *((("waited", f"{result.waited_seconds:.0f} s"),) if result.waited_seconds else ()),
    )
    is_done = result.saved is not None
    table = _table(result.changes, _nothing(result.file, result.distribution_id), is_done=is_done)
    back = f"as it was: {result.saved}\nto go back: {result.rollback}" if result.saved else None
    return view(Facts(facts), table, _summary(result.changes, is_done=is_done), Text(back, "dim") if back else None)


def _table(changes: tuple[Change, ...], empty: str, *, is_done: bool = False) -> Table:
    before, after = ("was", "is") if is_done else ("is", "would be")
    columns = (Column(""), Column("setting", wraps=True), Column(before, wraps=True), Column(after, wraps=True))
    return Table(columns, tuple(_row(change) for change in changes), empty=empty)


def _row(change: Change) -> tuple[Cell | str, ...]:
    return (_MARKS[change.kind], change.path, change.before or "", change.after or "")


def _summary(changes: tuple[Change, ...], *, is_done: bool = False) -> Text | None:
    if not changes:
        return None
    counted = {kind: sum(change.kind == kind for change in changes) for kind in _MARKS}
    kinds = [f"{number} {kind}" for kind, number in counted.items() if number]
    number, would = format_counted(len(changes), "setting"), "" if is_done else "would be "
    if len(kinds) == 1:
        return Text(f"{number} {would}{changes[0].kind}", "dim")
    return Text(f"{number} {would}changed: {', '.join(kinds)}", "dim")


def _nothing(file: str, distribution_id: str) -> str:
    return f"{distribution_id} is as {file} says"
