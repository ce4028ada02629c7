"""Findings of what an engine's own checks say: a warning or a "no" becomes a finding with its evidence."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from perfctl.operations.optimizing.asked import Found
from perfctl.operations.optimizing.commands import Command, command_of
from perfctl.operations.optimizing.model import Evidence, Finding, Gain, Risk, Severity

if TYPE_CHECKING:
    from perfctl.diagnosis import Check

_DESTROYS = ("DROP ", "SELECT pg_drop", "VACUUM FULL")
_SETS = ("ALTER SYSTEM", "ALTER TABLE", "GRANT", "CONFIG SET")


def found_of(
    check: Check,
    source: str,
    *,
    otherwise: str,
    gain: Callable[[Check], Gain] | None = None,
    advice_first: bool = False,
    is_minor: bool = False,
) -> Found:
    """A finding of one check. `otherwise` is what to run where its advice is no statement that can be pasted;
    `is_minor`: a warning that is not of speed."""
    command = Command(otherwise, "perfctl") if advice_first else command_of(check.fix, otherwise)
    risk, why = _risk(command)
    where = f"{check.database}: " if check.database else ""
    return Found(
        Finding(
            id=f"{source}:{check.component}:{check.check}",
            source=source,
            severity="info" if is_minor and check.status == "warn" else _severity(check),
            title=f"{where}{check.component}: {check.observed}",
            subject=check.objects[0] if check.objects else check.check,
            evidence=_evidence(check),
            gain=gain(check) if gain else UNKNOWN,
            risk=risk,
            risk_why=why,
            command=command.text,
            command_kind=command.kind,
            advice=None if check.fix == command.text else check.fix,
            weight=_weight(check),
        )
    )


UNKNOWN = Gain("unknown", "the check tells what is wrong, not what mending it brings")


def _severity(check: Check) -> Severity:
    return "critical" if check.status == "fail" else "warning"


def _evidence(check: Check) -> tuple[Evidence, ...]:
    limit = "" if check.threshold is None else f" (limit {check.threshold:g} {check.unit or ''})".replace(" )", ")")
    first = Evidence(check.check, f"{check.observed}{limit}", check.value, check.unit)
    return (first, *(Evidence("object", name) for name in check.objects[:5]))


def _risk(command: Command) -> tuple[Risk, str]:
    if command.kind == "perfctl":
        return "none", "shows more; nothing is changed"
    if command.text.startswith(_DESTROYS):
        return "high", "what it removes must be made anew where it is missed"
    if command.text.startswith(_SETS):
        return "medium", "changes how the server works for everybody"
    return "low", "works while others read and write, and takes their disk's time"


def _weight(check: Check) -> float:
    """By how much the limit is passed, as a share: twice the limit is 0.5."""
    if check.value is None or not check.threshold:
        return 0.0
    over = max(check.value, check.threshold) / max(min(check.value, check.threshold), 1e-9)
    return min(max(1.0 - 1.0 / over, 0.0), 1.0)
