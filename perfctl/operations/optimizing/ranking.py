"""The worst first: what is graver, then what concerns more of the work, then what is cheaper to try."""

from __future__ import annotations

from collections.abc import Iterable

from perfctl.operations.optimizing.asked import Found

_SEVERITIES = ("critical", "warning", "info")
_RISKS = ("none", "low", "medium", "high")


def ranked(found: Iterable[Found]) -> tuple[Found, ...]:
    """Each thing once, the worst first; of equal ones first what `--apply` mends, then by risk and name.

    An index that two sources want is one finding: the one with more weight stands.
    """
    best: dict[str, Found] = {}
    for each in sorted(found, key=_key):
        best.setdefault(_same(each), each)
    return tuple(best.values())


def _same(each: Found) -> str:
    return (
        f"index {each.step.table} {each.step.columns}" if each.step and each.step.kind == "index" else each.finding.id
    )


def _key(each: Found) -> tuple[int, float, bool, int, str]:
    finding = each.finding
    grave, risk = _SEVERITIES.index(finding.severity), _RISKS.index(finding.risk)
    return grave, -round(finding.weight, 3), not finding.is_safe, risk, finding.id
