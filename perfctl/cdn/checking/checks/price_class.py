"""Does the price class suit where the visitors are?"""

from __future__ import annotations

from perfctl.cdn.checking.checks.rule import Evidence, Rule, Verdict, off, setup_in, well
from perfctl.units import format_ratio

LEAST_REQUESTS = 1_000
FAR_SHARE = 0.1
NEAR_SHARE = 0.99
_ORDER = ("100", "200", "All")


def judge(evidence: Evidence) -> Verdict:
    """By the access logs: many visitors outside the class are far from an edge; none outside a cheaper one: it pays."""
    chosen, viewers = setup_in(evidence).price_class, evidence.viewers
    total = sum((viewers or {}).values())
    if viewers is None:
        return off(f"{chosen}: where the visitors are is not known", "set cdn.logs to the access logs")
    if total < LEAST_REQUESTS:
        return off(f"{chosen}: too few requests in the logs to tell")
    at = _ORDER.index(chosen.removeprefix("PriceClass_")) if chosen.removeprefix("PriceClass_") in _ORDER else 2
    outside = sum(viewers.get(name, 0.0) for name in _ORDER[at + 1 :]) / total
    if outside > FAR_SHARE:
        return Verdict(
            status="warn",
            observed=f"{format_ratio(outside)} of the requests come from outside {chosen}: served from far away",
            fix=f"PriceClass: PriceClass_{_cheapest(viewers, total)} with perfctl cdn apply FILE",
            value=round(outside, 4),
            unit="ratio",
            threshold=FAR_SHARE,
        )
    cheaper = _cheapest(viewers, total)
    if _ORDER.index(cheaper) < at:
        return off(
            f"PriceClass_{cheaper} would serve {format_ratio(NEAR_SHARE)} of the requests from as near",
            f"PriceClass: PriceClass_{cheaper}, where the rest may come from farther away",
        )
    return well(f"{chosen} suits where the requests come from")


def _cheapest(viewers: object, total: float) -> str:
    """The cheapest class that covers nearly all."""
    counted: dict[str, float] = dict(viewers)  # type: ignore[call-overload]
    covered = 0.0
    for name in _ORDER:
        covered += counted.get(name, 0.0)
        if covered >= NEAR_SHARE * total:
            return name
    return "All"


RULE = Rule(name="price class", area="viewer", judge=judge, needs="setup")
