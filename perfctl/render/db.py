"""Where the drawings of what the database answers stand, each in a file that is loaded when it is wanted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from perfctl.render.view import View

VIEWS: Mapping[type, Callable[[Any], View]] = {}
LATER = {
    "perfctl.db.model.reports.ReportWritten": "db_report:written_view",
    "perfctl.db.model.reports.ServerSettings": "db_report:settings_view",
    "perfctl.db.model.baselines.BaselineRecorded": "db_check:recorded_view",
    "perfctl.db.model.history.HistoryListing": "db_slow:history_view",
    "perfctl.db.model.history.Pruned": "db_slow:pruned_view",
    "perfctl.db.model.history.Recording": "db_slow:recording_view",
    "perfctl.db.model.statements.SlowQueries": "db_slow:slow_queries_view",
    "perfctl.db.model.stats.DatabaseStats": "db_stats:stats_view",
    "perfctl.db.model.activity.Activity": "db_activity:activity_view",
    "perfctl.db.model.activity.LockTree": "db_activity:lock_tree_view",
    "perfctl.db.model.activity.Watched": "db_activity:watched_view",
    "perfctl.db.model.rows.QueryRows": "db_query:rows_view",
    "perfctl.db.model.plans.PlanReport": "db_plan:plan_view",
    "perfctl.db.model.plans.PlanDifference": "db_plan_diff:difference_view",
}
"""By the result's name, so that none is loaded for another's sake."""
