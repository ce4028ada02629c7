"""Does the edge wait for an answer of the origin for too short or too long?"""

from __future__ import annotations

from perfctl.cdn.checking.checks.rule import Evidence, Rule, Verdict, setup_in, well

MOST_SECONDS = 60
LEAST_SECONDS = 5


def judge(evidence: Evidence) -> Verdict:
    """Over a minute holds viewers and connections; under five seconds turns slow answers into 504."""
    origins = setup_in(evidence).origins
    bad = [one for one in origins if one.read_seconds and not LEAST_SECONDS <= one.read_seconds <= MOST_SECONDS]
    if not bad:
        return well(f"response timeouts are {LEAST_SECONDS} to {MOST_SECONDS} s")
    return Verdict(
        status="warn",
        observed=f"the response timeout is not within {LEAST_SECONDS} to {MOST_SECONDS} s",
        fix="CustomOriginConfig: {OriginReadTimeout: 30} with perfctl cdn apply FILE; longer work belongs in a queue",
        objects=[f"{one.id}: {one.read_seconds} s" for one in bad],
        value=bad[0].read_seconds,
        unit="seconds",
        threshold=MOST_SECONDS if (bad[0].read_seconds or 0) > MOST_SECONDS else LEAST_SECONDS,
    )


RULE = Rule(name="response timeout", area="origin", judge=judge, needs="setup")
