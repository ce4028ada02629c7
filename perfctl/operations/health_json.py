"""A diagnosis as `application/health+json` (draft-inadarei-api-health-check-06): for probes that read that form."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from perfctl.diagnosis import Check, Diagnosis

MEDIA_TYPE = "application/health+json"


def health_json(diagnosis: Diagnosis, *, at: datetime | None = None, description: str = "perfctl") -> dict[str, Any]:
    """The document: a status, and under `checks` a list for each `component:check`; what is off is left out.

    >>> health_json(Diagnosis("pass", (Check("disk", "free", "pass", "9 GB", value=9e9, unit="bytes"),)))["checks"]
    {'disk:free': [{'componentId': 'disk', 'status': 'pass', 'observedValue': 9000000000.0, 'observedUnit': 'bytes'}]}
    """
    checks: dict[str, list[dict[str, Any]]] = {}
    for check in diagnosis.rows:
        if check.status != "off":
            checks.setdefault(f"{check.component}:{check.check.replace(' ', '_')}", []).append(_fields(check, at))
    made: dict[str, Any] = {"status": diagnosis.status, "description": description, "checks": checks}
    worst = next((check for check in diagnosis.rows if check.status == diagnosis.status != "pass"), None)
    return made if worst is None else {**made, "output": _output(worst)}


def _fields(check: Check, at: datetime | None) -> dict[str, Any]:
    said = {
        "componentId": check.component,
        "status": check.status,
        "observedValue": check.observed if check.value is None else check.value,
        "observedUnit": check.unit if check.value is not None else None,
        "time": None if at is None else at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "output": None if check.status == "pass" else _output(check),
    }
    return {name: value for name, value in said.items() if value is not None}


def _output(check: Check) -> str:
    return f"{check.observed}; {check.fix}" if check.fix else check.observed
