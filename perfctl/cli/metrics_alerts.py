"""`perfctl metrics alerts`: what is watched, and how it stands."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from perfctl.cli.metrics import group
from perfctl.cli.run import Run
from perfctl.metrics.alerts.model import Alerts


@group.command("alerts", example="perfctl metrics alerts --evaluate --cron")
async def alerts(
    run: Run,
    evaluate: Annotated[
        bool, typer.Option("--evaluate", help="Look at all that was recorded since the last time, and tell of changes.")
    ] = False,
) -> Alerts:
    """Show each alert: firing, pending, resolved or inactive, with what was measured; exit 1 when one fires.

    Watched are the budgets and objectives of metrics.budgets, over what metrics record or a publishing application
    kept. A budget fires when it was broken for as long as its `for` says. An objective fires when it is spent 14.4
    times too fast over 1 h and 5 min, 6 times over 6 h and 30 min (page), 3 times over 1 d and 2 h, or at all over
    3 d and 6 h (ticket); scaled where its window is not 30 d.

    --evaluate is for cron; metrics record and serve evaluate by themselves. Changes are told, each once, to
    metrics.alert_webhook and metrics.alert_file; what cannot be told waits. Where nothing was measured an alert
    stays as it was.
    """
    from perfctl.metrics.alerts.opening import open_alerts

    engine = await asyncio.to_thread(open_alerts, run.settings)
    if evaluate:
        await engine.evaluate()
    answer = await asyncio.to_thread(engine.alerts)
    _warn(run, answer, evaluate)
    if answer.firing:
        run.exit(1)
    return answer


def _warn(run: Run, answer: Alerts, evaluated: bool) -> None:
    if not answer.rows:
        run.warn("nothing is watched: metrics.budgets names no file with budgets or objectives")
    elif answer.evaluated_at is None:
        run.warn("never evaluated: run it with --evaluate, or metrics record, or serve")
    elif evaluated and answer.no_data:
        run.warn(f"{answer.no_data} of {len(answer.rows)} had no data, and stay as they were")
    for sink in answer.sinks:
        if sink.waiting:
            why = f": {sink.error}" if sink.error else ""
            run.warn(f"{sink.name}: {sink.waiting} not told yet{why}")
        if sink.refused:
            run.warn(f"{sink.name}: {sink.refused} refused for good")
