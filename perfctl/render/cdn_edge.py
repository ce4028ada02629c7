"""Drawing what an edge function did, and what its tests say."""

from __future__ import annotations

import json

from perfctl.cdn.model.edge_functions import EdgeRun, EdgeTest, EdgeTests
from perfctl.render.view import Cell, Column, Facts, Part, Table, Text, View, view

_SAID = {
    "request": Cell("a request that goes on", "good"),
    "response": Cell("a response to the viewer", "good"),
}


def run_view(result: EdgeRun) -> View:
    """What came of the event, what it cost; then what was returned, and what was logged."""
    broken = "\n".join(result.violations) if len(result.violations) > 1 else ""
    return view(
        Facts(_facts(result), title=result.function),
        _block("breaks:", broken),
        _block("returned:", json.dumps(result.result, indent=2, ensure_ascii=False) if result.result else ""),
        _block("logged:", "\n".join(result.logs)),
    )


def _facts(result: EdgeRun) -> tuple[tuple[str, Cell | str], ...]:
    facts: list[tuple[str, Cell | str]] = [("at", f"{result.trigger}, {result.runtime}")]
    if result.outcome == "error":
        where = f" ({result.where})" if result.where else ""
        facts += [
            ("error", Cell(f"{result.error}{where}", "bad")),
            ("the viewer gets", Cell(str(result.viewer_status), "bad")),
        ]
    else:
        facts.append(("outcome", _SAID[result.outcome]))
    if result.took_us is not None:
        facts.append(("took", _time(result.took_us)))
    if result.compute_utilization is not None:
        facts.append(("compute utilization", f"{result.compute_utilization} of 100, estimated here"))
    return tuple(facts)


def _block(title: str, text: str) -> Part | None:
    return Text(title + "\n" + "\n".join(f"  {line}" for line in text.splitlines())) if text else None


def tests_view(result: EdgeTests) -> View:
    """Those that failed first, each with what was expected; times are the quickest of several calls."""
    columns = (
        Column("passed"),
        Column("function"),
        Column("test", wraps=True),
        Column("took", "right"),
        Column("budget", "right"),
        Column("compute %", "right"),
    )
    one = "1 function" if result.functions == 1 else f"{result.functions} functions"
    caption = f"{result.passed} passed, {result.failed} failed, of {one}; compute % is estimated here"
    table = Table(columns, tuple(_row(row) for row in result.rows), caption=caption, empty="there are no tests")
    return view(table, _failures(result))


def _failures(result: EdgeTests) -> Part | None:
    failed = [(row, "\n".join(f"  {said}" for said in row.failures)) for row in result.rows if row.failures]
    return Text("\n".join(f"{row.function}, {row.test}:\n{said}" for row, said in failed), "bad") if failed else None


def _row(row: EdgeTest) -> tuple[Cell | str, ...]:
    budget = "" if row.budget_percent is None else f"{row.budget_percent} %"
    return (
        Cell("yes", "good") if row.passed else Cell("no", "bad"),
        row.function,
        row.test,
        "-" if row.took_us is None else _time(row.took_us),
        _time(row.budget_us) if row.budget_us is not None else budget,
        "" if row.compute_utilization is None else str(row.compute_utilization),
    )


def _time(us: float) -> str:
    return f"{us:.0f} us" if us < 10_000 else f"{us / 1000:.0f} ms"
