"""Drawing the answer of every `doctor` and of `health`."""

from __future__ import annotations

from textwrap import fill

from perfctl.diagnosis import Check, Diagnosis
from perfctl.render.view import Cell, Column, Table, Text, Tone, View, view

_TONES: dict[str, Tone] = {"pass": "good", "warn": "warn", "fail": "bad", "off": "dim"}


MANY = 15
"""More checks than this that are well are named, not listed: what is not well must not drown."""
_OBJECTS = 3
_WIDTH = 78


def diagnosis_view(result: Diagnosis) -> View:
    """Every check on a line, and under the table what to do about those that are not well."""
    well = [check for check in result.rows if check.status == "pass"]
    is_long = len(well) > MANY
    listed = [check for check in result.rows if check.status != "pass"] if is_long else result.rows
    columns = (Column("status"), Column("component"), Column("check"), Column("observed", wraps=True))
    empty = "nothing that is not well" if is_long else "nothing is configured that could be checked"
    table = Table(columns, tuple(_row(check) for check in listed), empty=empty)
    fixes = _fixes(result)
    return view(
        table,
        Text("to mend:\n  " + "\n  ".join(fixes)) if fixes else None,
        Text(f"well ({len(well)}):" + _joined(well), "dim") if is_long else None,
    )


def _fixes(result: Diagnosis) -> list[str]:
    """What mends it, once a database, with the worst that it mends."""
    mended: dict[tuple[str, str | None], list[str]] = {}
    for check in result.rows:
        if check.fix:
            mended.setdefault((check.fix, check.database), []).append(_named(check))
    more = {key: f" and {len(names) - 1} more" if len(names) > 1 else "" for key, names in mended.items()}
    return [f"{names[0]}{more[key]}: {key[0]}" for key, names in mended.items()]


def _row(check: Check) -> tuple[Cell | str, ...]:
    where = f"{check.database}: " if check.database else ""
    more = "" if len(check.objects) <= _OBJECTS else f"and {len(check.objects) - _OBJECTS} more"
    shown = [*check.objects[:_OBJECTS], *([more] if more else [])]
    objects = "".join(f"\n{each}" for each in shown) if check.status != "pass" else ""
    return (Cell(check.status, _TONES[check.status]), check.component, check.check, f"{where}{check.observed}{objects}")


def _named(check: Check) -> str:
    """The check, without saying its area twice where both have one name."""
    name = check.check if check.component == check.check else f"{check.component} {check.check}"
    return f"{check.database}: {name}" if check.database else name


def _joined(checks: list[Check]) -> str:
    """The names by their area, each area on a line."""
    by_area: dict[str, list[str]] = {}
    for check in checks:
        by_area.setdefault(check.component, []).append(check.check)
    lines = (f"{area}: {', '.join(dict.fromkeys(names))}" for area, names in by_area.items())
    return "".join("\n" + fill(line, _WIDTH, initial_indent="  ", subsequent_indent="    ") for line in lines)


VIEWS = {Diagnosis: diagnosis_view}
