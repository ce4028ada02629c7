"""Can the functions at the edge run as they are attached?"""

from __future__ import annotations

from perfctl.cdn.checking.checks.rule import Evidence, Rule, Verdict, off, setup_in, well
from perfctl.cdn.checking.setup import BehaviourSetup


def judge(evidence: Evidence) -> Verdict:
    """Lambda@Edge needs a numbered version in us-east-1, and no CloudFront Function beside it on viewer events."""
    behaviours = setup_in(evidence).behaviours
    number = sum(len(one.functions) for one in behaviours)
    if not number:
        return off("no function is attached")
    bad = [f"{one.name}: {why}" for one in behaviours for why in _faults(one)]
    if not bad:
        return well(f"{number} attached; perfctl cdn edge lint looks into their code")
    return Verdict(
        status="fail",
        observed="functions that CloudFront will not run",
        fix="perfctl cdn edge deploy publishes a numbered version in us-east-1 and attaches it",
        objects=bad,
        value=len(bad),
        unit="count",
    )


def _faults(behaviour: BehaviourSetup) -> list[str]:
    found = []
    for one in behaviour.functions:
        if one.is_lambda and not one.arn.rpartition(":")[2].isdigit():
            found.append(f"{one.trigger}: {one.arn} names no numbered version")
        elif one.is_lambda and ":us-east-1:" not in one.arn:
            found.append(f"{one.trigger}: {one.arn} is not in us-east-1")
        elif not one.is_lambda and one.trigger.startswith("origin"):
            found.append(f"{one.trigger}: CloudFront Functions run at viewer events alone")
    kinds = {one.is_lambda for one in behaviour.functions if one.trigger.startswith("viewer")}
    return [*found, *(["CloudFront Functions and Lambda@Edge on viewer events"] if len(kinds) > 1 else [])]


RULE = Rule(name="functions", area="behaviours", judge=judge, needs="setup")
