"""Are visitors let in without TLS?"""

from __future__ import annotations

from perfctl.cdn.checking.checks.rule import Evidence, Rule, Verdict, of_behaviours, setup_in


def judge(evidence: Evidence) -> Verdict:
    """ViewerProtocolPolicy allow-all."""
    return of_behaviours(
        [one for one in setup_in(evidence).behaviours if one.viewer_protocol == "allow-all"],
        status="warn",
        is_well="every behaviour redirects to HTTPS, or takes nothing else",
        observed="plain HTTP is answered: what is read and sent can be changed on the way",
        fix="ViewerProtocolPolicy: redirect-to-https on these behaviours: perfctl cdn apply FILE",
    )


RULE = Rule(name="https", area="viewer", judge=judge, needs="setup")
