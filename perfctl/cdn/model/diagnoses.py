"""What a doctor of the CDN says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from perfctl.diagnosis import Diagnosis


@dataclass(frozen=True, slots=True)
class CdnDiagnosis(Diagnosis):
    """A diagnosis, and the smallest policy with which perfctl can do its work here."""

    caller: str | None = None
    """The ARN that AWS knows us by."""
    missing_permissions: tuple[str, ...] = ()
    policy: Mapping[str, object] = field(default_factory=dict)
