"""Whether a function may be deployed: its lint, its tests here, and its tests at CloudFront before it is published."""

from __future__ import annotations

import json
from pathlib import Path

from perfctl.cdn.deploying.putting import Asking
from perfctl.cdn.deploying.stages import Stage, StagesAtCloudFront, StageTest
from perfctl.cdn.edge.model import EdgeFunction, EdgeFunctionError
from perfctl.cdn.edge.tables import TableTest, read_table, table_of
from perfctl.errors import RefusedError

MOST_EVENT_BYTES = 40_960


async def check_function(function: EdgeFunction) -> int | None:
    """How many tests passed; None where there are none. RefusedError where lint or a test fails."""
    from perfctl.cdn.edge.linting import lint
    from perfctl.cdn.edge.testing import run_table

    failed = [check for check in lint([function]).rows if check.status == "fail"]
    if failed:
        source = function.source if isinstance(function.source, Path) else function.name
        where = f"{failed[0].objects[0]}: " if failed[0].objects else ""
        raise RefusedError(
            f"{function.name}: lint fails: {where}{failed[0].observed}{_more(len(failed))}",
            hint=f"perfctl cdn edge lint {source} shows all; --no-test deploys it all the same",
        )
    table = _table(function)
    if table is None:
        return None
    rows = await run_table(function, table)
    wrong = [row for row in rows if not row.passed]
    if wrong:
        raise RefusedError(
            f"{function.name}: test {wrong[0].test!r} fails: {wrong[0].failures[0]}{_more(len(wrong))}",
            hint=f"perfctl cdn edge test {function.name} shows all; --no-test deploys it all the same",
        )
    return len(rows)


async def test_at_cloudfront(
    at: StagesAtCloudFront, name: str, function: EdgeFunction, stage: Stage, asking: Asking
) -> int | None:
    """The highest compute utilization of its tests in the development stage; None where there are none.

    RefusedError where CloudFront says otherwise than the table: the live stage is as it was.
    """
    table = _table(function)
    highest: int | None = None
    for test in read_table(table) if table is not None else ():
        event = _event(function, test)
        if test.now_ms is not None or len(event) > MOST_EVENT_BYTES:
            continue
        said = await asking.ask(lambda event=event: at.test(name, stage.etag, event))  # type: ignore[misc]
        if failures := _against(function, test, event, said):
            raise RefusedError(
                f"{name}: at CloudFront test {test.name!r} fails: {failures[0]}; nothing was published",
                hint="--no-test publishes it all the same",
            )
        if said.utilization is not None:
            highest = max(highest or 0, said.utilization)
    return highest


def _against(function: EdgeFunction, test: TableTest, event: bytes, said: StageTest) -> tuple[str, ...]:
    from perfctl.cdn.edge.model import Called
    from perfctl.cdn.edge.testing import judged

    if said.error is not None:
        return () if "error" in test.expected else (f"it failed: {said.error}",)
    try:
        output = json.loads(said.output)
        result = next(iter(output.values())) if isinstance(output, dict) and len(output) == 1 else output
        return judged(function, test, json.loads(event), Called(result, 0.0, said.utilization, said.logs))
    except EdgeFunctionError as error:
        return () if "error" in test.expected else (f"it failed: {error.reason}",)
    except ValueError:
        return (f"the output is not JSON: {said.output[:80]!r}",)


def _event(function: EdgeFunction, test: TableTest) -> bytes:
    from perfctl.cdn.edge.trying import event_of

    event = dict(test.event) if test.event is not None else event_of(function, test.request, test.response)
    return json.dumps(event).encode()


def _table(function: EdgeFunction) -> Path | None:
    return None if isinstance(function.source, bytes) else table_of(function.source)


def _more(number: int) -> str:
    return f" (and {number - 1} more)" if number > 1 else ""
