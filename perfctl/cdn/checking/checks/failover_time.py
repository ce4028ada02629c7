"""How long does a viewer wait before the second origin is asked?"""

from __future__ import annotations

from perfctl.cdn.checking.checks.rule import Evidence, Rule, Verdict, setup_in, well

LIMIT_SECONDS = 10


def judge(evidence: Evidence) -> Verdict:
    """Attempts x connection timeout of a group's first origin: 30 s by default, longer than a visitor's patience."""
    setup = setup_in(evidence)
    if not setup.groups:
        return Verdict(status="off", observed="there is no origin group")
    first = [(group, origin) for group in setup.groups for origin in setup.origins if origin.id == group.members[0]]
    slow = [(group, origin) for group, origin in first if origin.give_up_seconds > LIMIT_SECONDS]
    if not slow:
        return well(f"every group asks its second origin after {LIMIT_SECONDS} s at most")
    longest = max(origin.give_up_seconds for _, origin in slow)
    return Verdict(
        status="warn",
        observed=f"up to {longest} s pass before the second origin is asked",
        fix="Origins: [{Id: ..., ConnectionAttempts: 1, ConnectionTimeout: 3}] with perfctl cdn apply FILE",
        objects=[f"{group.id}: {one.id}, {one.attempts} x {one.connect_seconds} s" for group, one in slow],
        value=longest,
        unit="seconds",
        threshold=LIMIT_SECONDS,
    )


RULE = Rule(name="failover time", area="origin", judge=judge, needs="setup")
