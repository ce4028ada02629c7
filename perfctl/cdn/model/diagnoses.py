"""What a doctor of the CDN says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from perfctl.diagnosis import Diagnosis


@dataclass(frozen=True, slots=True)
class AreaRights:
    """The permissions of one area of commands."""

    area: str
    commands: tuple[str, ...]
    granted: tuple[str, ...]
    """Tried by a call that changes nothing."""
    missing: tuple[str, ...]
    untried: tuple[str, ...]
    """Because it would cost or change something, or because nothing answers for that service here."""


@dataclass(frozen=True, slots=True)
class CdnDiagnosis(Diagnosis):
    """A diagnosis, and the smallest policy with which perfctl can do its work here."""

    caller: str | None = None
    """The ARN that AWS knows us by."""
    missing_permissions: tuple[str, ...] = ()
    policy: Mapping[str, object] = field(default_factory=dict)
    rights: tuple[AreaRights, ...] = ()
    log_places: tuple[str, ...] = ()
    """Where the distribution's access logs go: `s3://bucket/prefix`, or the ARN of a delivery."""
