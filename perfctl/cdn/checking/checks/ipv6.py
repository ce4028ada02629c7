"""Do visitors reach the distribution over IPv6?"""

from __future__ import annotations

from perfctl.cdn.checking.checks.rule import Evidence, Rule, Verdict, setup_in, well


def judge(evidence: Evidence) -> Verdict:
    """Without it, visitors of IPv6-only networks come through a translator."""
    if setup_in(evidence).has_ipv6:
        return well("IPv6 is on")
    fix = "IsIPV6Enabled: true with perfctl cdn apply FILE, and an AAAA record for the alias"
    return Verdict(status="warn", observed="IPv6 is off: mobile networks come through a translator", fix=fix)


RULE = Rule(name="ipv6", area="viewer", judge=judge, needs="setup")
