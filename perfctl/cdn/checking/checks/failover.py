"""Is there another origin where one fails?"""

from __future__ import annotations

from perfctl.cdn.checking.checks.rule import Evidence, Rule, Verdict, off, setup_in, well


def judge(evidence: Evidence) -> Verdict:
    """A second origin costs money, so that its absence is told, not held against anybody; a lame group is."""
    setup = setup_in(evidence)
    if lame := [group.id for group in setup.groups if not {502, 503, 504} & set(group.statuses)]:
        return Verdict(
            status="warn",
            observed="a group that fails over on none of 502, 503 and 504: an origin that is overloaded stays asked",
            fix="FailoverCriteria: {StatusCodes: [500, 502, 503, 504]} with perfctl cdn apply FILE",
            objects=lame,
        )
    used = {one.target for one in setup.behaviours}
    if any(group.id in used for group in setup.groups):
        return well("a second origin is asked where the first fails")
    return off(
        "no behaviour has a second origin: what is not kept fails with the first", "OriginGroups, with a replica"
    )


RULE = Rule(name="failover", area="origin", judge=judge, needs="setup")
