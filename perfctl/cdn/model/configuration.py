"""A distribution's configuration: the document, a policy of it, and what changes when a file is applied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from perfctl.cdn.delivery.policies import MANAGED, CachePolicy


@dataclass(frozen=True, slots=True)
class ConfigDocument:
    """CloudFront's DistributionConfig under its own names, and the version that it was read at."""

    etag: str
    config: dict[str, Any]


@dataclass(frozen=True, slots=True)
class NamedCachePolicy:
    """A cache policy of the account, with its name."""

    id: str
    name: str
    policy: CachePolicy

    @property
    def is_managed(self) -> bool:
        """Whether it is one of those that every account has."""
        return self.id in MANAGED


@dataclass(frozen=True, slots=True)
class Shape:
    """What CloudFront's service model says of a value: its kind, and what it is made of."""

    kind: Literal["structure", "list", "string", "integer", "boolean"]
    members: Mapping[str, Shape] = field(default_factory=dict)
    """Of a structure, by name."""
    required: tuple[str, ...] = ()
    member: Shape | None = None
    """Of a list."""
    values: tuple[str, ...] = ()
    """The words that a string may be; any where there are none."""


@dataclass(frozen=True, slots=True)
class Change:
    """One value of the configuration that a file changes."""

    kind: Literal["added", "changed", "removed"]
    path: str
    """`CacheBehaviors[/api/*].Compress`: CloudFront's names, items by what tells them apart."""
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class ConfigDifference:
    """What a file would change at a distribution."""

    listing: ClassVar[str] = "changes"

    distribution_id: str
    file: str
    etag: str
    """The version that it was compared with."""
    is_different: bool
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class ConfigApplied:
    """What was changed at a distribution, and how to go back."""

    listing: ClassVar[str] = "changes"

    distribution_id: str
    file: str
    etag: str
    """The version that there is now."""
    status: Literal["unchanged", "planned", "InProgress", "Deployed"]
    """`planned` after a dry run; `InProgress` until every edge location has it."""
    dry_run: bool
    attempts: int
    """How often it was sent: again where somebody else had changed the configuration meanwhile."""
    waited_seconds: float
    saved: str | None
    """The file with the configuration as it was before."""
    rollback: str | None
    """The command that brings it back."""
    changes: tuple[Change, ...]
