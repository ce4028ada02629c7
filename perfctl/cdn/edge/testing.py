"""Running the table of tests beside a function: `perfctl cdn edge test`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from perfctl.cdn.edge.events import read_result, request_of
from perfctl.cdn.edge.model import Called, EdgeFunction, EdgeFunctionError, EdgeRequest, EdgeResponse, Event, Pairs
from perfctl.cdn.edge.naming import find_function
from perfctl.cdn.edge.rules import check_result
from perfctl.cdn.edge.running import Runner, open_runner
from perfctl.cdn.edge.tables import TableTest, read_table, table_of
from perfctl.cdn.edge.trying import check_event, event_of
from perfctl.cdn.model.edge_functions import EdgeTest, EdgeTests
from perfctl.errors import UsageError

CALLS = 5
"""The quickest of so many calls is judged: a machine that does other things makes a call slower, never quicker."""


async def run_tables(places: Iterable[Path]) -> EdgeTests:
    """Every test of every function that has a table. UsageError where none of them has one."""
    listed = tuple(places)
    with_tables = [(place, table) for place in listed if (table := table_of(place)) is not None]
    if not with_tables:
        names = ", ".join(str(place) for place in listed[:3])
        raise UsageError(f"{names}: there are no tests", hint="write NAME.tests.yaml beside the function NAME.js")
    rows = [row for place, table in with_tables for row in await run_table(find_function(str(place)), table)]
    rows.sort(key=lambda row: row.passed)
    passed = sum(row.passed for row in rows)
    return EdgeTests(passed=passed, failed=len(rows) - passed, functions=len(with_tables), rows=tuple(rows))


async def run_table(function: EdgeFunction, table: Path) -> tuple[EdgeTest, ...]:
    """The tests of one function; where it does not even load, each of them fails for that reason."""
    tests = read_table(table)
    try:
        runner = await open_runner(function)
    except EdgeFunctionError as error:
        return tuple(_row(function, test, None, (f"it does not load: {error.reason}",)) for test in tests)
    try:
        rows = [await (_ran_fresh(function, test) if test.is_fresh else _ran(function, runner, test)) for test in tests]
        return tuple(rows)
    finally:
        await runner.close()


def judged(function: EdgeFunction, test: TableTest, event: Event, called: Called) -> tuple[str, ...]:
    """What of a call's result is not as the test expects. EdgeFunctionError where CloudFront would not take it."""
    asked = test.request if test.event is None else request_of(function, event)
    result = check_result(function, event, called.result)
    answer = read_result(function, event, result, asked)
    return tuple(_against(test, answer, called))


async def _ran_fresh(function: EdgeFunction, test: TableTest) -> EdgeTest:
    runner = await open_runner(function)
    try:
        return await _ran(function, runner, test)
    finally:
        await runner.close()


async def _ran(function: EdgeFunction, runner: Runner, test: TableTest) -> EdgeTest:
    if test.event is not None:
        event = check_event(function, dict(test.event))
    else:
        event = event_of(function, test.request, test.response)
    called: Called | None = None
    try:
        called = await _quickest(runner, event, test)
        return _row(function, test, called, judged(function, test, event, called))
    except EdgeFunctionError as error:
        return _row(function, test, called, tuple(_against_error(test, error)))


async def _quickest(runner: Runner, event: Event, test: TableTest) -> Called:
    times = 1 if test.is_fresh else CALLS
    calls = [await runner.call(event, now_ms=test.now_ms) for _ in range(times)]
    return min(calls, key=lambda call: call.took_us)


def _row(function: EdgeFunction, test: TableTest, called: Called | None, failures: tuple[str, ...]) -> EdgeTest:
    late = tuple(_over_budget(test, called)) if called is not None and not failures else ()
    return EdgeTest(
        function=function.name,
        test=test.name,
        passed=not failures and not late,
        took_us=round(called.took_us, 1) if called is not None else None,
        budget_us=test.budget_us,
        compute_utilization=called.compute_utilization if called is not None else None,
        budget_percent=test.budget_percent if not function.is_lambda else None,
        failures=failures + late,
    )


def _over_budget(test: TableTest, called: Called) -> Iterator[str]:
    if test.budget_us is not None and called.took_us > test.budget_us:
        yield f"it took {called.took_us:.0f} us, and may take {test.budget_us:.0f}"
    used = called.compute_utilization
    if used is not None and test.budget_percent is not None and used > test.budget_percent:
        yield f"compute utilization is {used} (estimated), and may be {test.budget_percent}"


def _against_error(test: TableTest, error: EdgeFunctionError) -> Iterator[str]:
    wanted = test.expected.get("error")
    said = "; ".join(error.reasons)
    if wanted is None:
        place = f" ({error.where})" if error.where else ""
        yield f"it failed: {said}{place}"
    elif str(wanted) not in said:
        yield f"error: expected {str(wanted)!r}, got {said!r}"


def _against(test: TableTest, answer: EdgeRequest | EdgeResponse, called: Called) -> Iterator[str]:
    kind = "response" if isinstance(answer, EdgeResponse) else "request"
    for other in ("request", "response", "error"):
        if other in test.expected and other != kind:
            yield f"expected {'an' if other == 'error' else 'a'} {other}, got a {kind}"
            return
    for name, wanted in test.expected.get(kind, {}).items():
        yield from _field(f"{kind}.{name}", wanted, getattr(answer, name))
    if "logs" in test.expected and str(test.expected["logs"]) not in "\n".join(called.logs):
        yield f"logs: {test.expected['logs']!r} is not in {list(called.logs)!r}"


def _field(name: str, wanted: Any, got: Any) -> Iterator[str]:
    if name.endswith(".headers"):
        yield from _headers(name, wanted, got)
    elif name.endswith(".body") and isinstance(got, bytes):
        if got.decode(errors="replace") != wanted:
            yield f"{name}: expected {wanted!r}, got {got[:200].decode(errors='replace')!r}"
    elif isinstance(wanted, Mapping) and isinstance(got, Mapping):
        for key, value in wanted.items():
            yield from _field(f"{name}.{key}", value, got.get(key))
    elif wanted != got:
        yield f"{name}: expected {wanted!r}, got {got!r}"


def _headers(name: str, wanted: Mapping[str, Any], got: Pairs) -> Iterator[str]:
    """A header's value, a list of them where it comes several times, or null where it must not be there."""
    for header, value in wanted.items():
        values = [each for key, each in got if key.lower() == header.lower()]
        expected = [] if value is None else [str(each) for each in (value if isinstance(value, list) else [value])]
        if values != expected:
            shown = ", ".join(map(repr, expected)) or "none"
            yield f"{name}.{header}: expected {shown}, got {', '.join(map(repr, values)) or 'none'}"
