"""One pass over all engines: what would make it faster, what is done about it, and how that is undone."""

from __future__ import annotations

from perfctl.operations.optimizing.optimize import optimize, recorded_runs, roll_back, run_to_undo

__all__ = ["optimize", "recorded_runs", "roll_back", "run_to_undo"]
