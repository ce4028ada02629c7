"""Are old versions of TLS accepted?"""

from __future__ import annotations

from perfctl.cdn.checking.checks.rule import Evidence, Rule, Verdict, off, setup_in, well

_OLD = ("SSLv3", "TLSv1", "TLSv1_2016", "TLSv1.1_2016")


def judge(evidence: Evidence) -> Verdict:
    """With an own certificate; CloudFront's own certificate leaves no choice."""
    setup = setup_in(evidence)
    if not setup.has_own_certificate:
        return off("CloudFront's own certificate: the version cannot be chosen")
    if setup.min_tls not in _OLD:
        return well(f"at least {setup.min_tls or 'TLS 1.2'}")
    return Verdict(
        status="warn",
        observed=f"{setup.min_tls} is accepted: no browser of the last ten years needs it",
        fix="ViewerCertificate: {MinimumProtocolVersion: TLSv1.2_2021} with perfctl cdn apply FILE",
    )


RULE = Rule(name="tls version", area="viewer", judge=judge, needs="setup")
