"""Do thirteen regional caches ask the origin, each for itself?"""

from __future__ import annotations

from perfctl.cdn.checking.checks.rule import Evidence, Rule, Verdict, setup_in, well


def judge(evidence: Evidence) -> Verdict:
    """Origins behind behaviours that keep something, without Origin Shield; one continent alone has few caches."""
    setup = setup_in(evidence)
    keeping = [one for one in setup.behaviours if one.caches]
    origins = {origin.id: origin for behaviour in keeping for origin in setup.first_origins(behaviour)}
    bad = [origin.id for origin in origins.values() if origin.shield is None]
    if not bad:
        return well("what is kept is fetched through Origin Shield" if origins else "nothing is kept")
    return Verdict(
        status="warn",
        observed="without Origin Shield each regional cache fetches for itself: up to 13 misses for one object",
        fix="OriginShield: {Enabled: true, OriginShieldRegion: the region nearest to the origin}; it is charged per "
        "request: perfctl cdn simulate --shield auto shows whether it pays",
        objects=bad,
    )


RULE = Rule(name="origin shield", area="origin", judge=judge, needs="setup")
