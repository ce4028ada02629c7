"""`perfctl db`: slow queries, plans, and whether perfctl can see them."""

from __future__ import annotations

from perfctl.cli.command import CommandGroup
from perfctl.cli.run import Run
from perfctl.diagnosis import Diagnosis

group = CommandGroup(
    "db",
    help="Find slow queries and explain them.",
    parts={
        "slow": "db_slow",
        "stats": "db_stats",
        "history record": "db_slow",
        "history list": "db_slow",
        "history prune": "db_slow",
        "query": "db_query",
        "analyze": "db_query",
        "activity": "db_activity",
        "locks": "db_activity",
        "watch": "db_activity",
        "check": "db_check",
        "baseline record": "db_baseline",
        "report": "db_report",
        "plan": "db_plan",
        "plan diff": "db_plan",
    },
    below={
        "baseline": "The workload's plans as they should stay.",
        "history": "What statements cost over days, recorded by cron.",
    },
)


@group.command("doctor", example="perfctl db doctor")
async def doctor(run: Run) -> Diagnosis:
    """Can perfctl connect, what may its role see, what is missing."""
    answer = await run.optimizer.database.doctor()
    run.exit(1 if answer.status == "fail" else 0)
    return answer
