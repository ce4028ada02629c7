"""Are there origins that no behaviour asks?"""

from __future__ import annotations

from perfctl.cdn.checking.checks.rule import Evidence, Rule, Verdict, off, setup_in, well


def judge(evidence: Evidence) -> Verdict:
    """Neither a behaviour nor a group that a behaviour uses names it."""
    setup = setup_in(evidence)
    used = {one.target for one in setup.behaviours}
    used |= {member for group in setup.groups if group.id in used for member in group.members}
    idle = [one.id for one in setup.origins if one.id not in used]
    idle += [f"group {one.id}" for one in setup.groups if one.id not in used]
    if not idle:
        return well("every origin is asked by some behaviour")
    if any(one.has_function("viewer-request", "origin-request") for one in setup.behaviours):
        return off(f"no behaviour names {', '.join(idle)}; a function at a request may choose them")
    return Verdict(
        status="warn",
        observed="no behaviour asks these",
        fix=f"Origins: [{{Id: {idle[0].removeprefix('group ')}, remove: true}}] with perfctl cdn apply FILE",
        objects=idle,
        value=len(idle),
        unit="count",
    )


RULE = Rule(name="unused origins", area="origin", judge=judge, needs="setup")
