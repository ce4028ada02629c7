"""Compiling the expressions took longer than it saved.

30 % of the time and 5 ms. A jit_above_cost near nothing compiles every statement: told of a cheap plan even where this
server did not compile.
"""

from __future__ import annotations

from collections.abc import Iterator

from perfctl.db.findings.study import Found, Study, percent

YIELDS_TO = ()
MIN_SHARE, MIN_MS, LOW_COST = 0.3, 5.0, 1_000.0


def look(study: Study) -> Iterator[Found]:
    """The whole statement."""
    report, plan, jit = study.report, study.report.plan, study.report.jit
    spent = (jit.total_ms if jit else None) or 0.0
    if jit and spent >= MIN_MS and study.total_ms and spent >= MIN_SHARE * study.total_ms:
        share = min(spent / study.total_ms, 1.0)
        yield study.found(
            plan,
            severity="warning",
            share=share,
            evidence=f"{spent:.1f} of {study.total_ms:.1f} ms went to compiling {jit.functions} functions:"
            f" {percent(share)} of the time",
            cause=_cause(study),
            next_step="raise jit_above_cost (or SET jit = off for this application): short statements gain nothing",
        )
    elif _compiles_everything(study):
        yield study.found(
            plan,
            severity="warning",
            share=0.5,
            evidence=f"jit_above_cost = {report.settings['jit_above_cost']}, the plan costs {plan.total_cost:.0f}",
            cause="with this setting a server that has JIT compiles every statement, the shortest as well",
            next_step="RESET jit_above_cost (100000 by default), or SET jit = off",
        )


def _cause(study: Study) -> str:
    above = study.report.settings.get("jit_above_cost")
    if above:
        return f"jit_above_cost = {above}: statements are compiled that run too shortly for it"
    return "the plan's cost is over jit_above_cost, and its work is not in its expressions, or overestimated"


def _compiles_everything(study: Study) -> bool:
    settings = study.report.settings
    try:
        above = float(settings.get("jit_above_cost", "100000"))
    except ValueError:
        return False
    return settings.get("jit") != "off" and 0 <= above < LOW_COST and study.report.plan.total_cost < LOW_COST
