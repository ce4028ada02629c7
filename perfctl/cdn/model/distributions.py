"""A distribution, as the CDN's answers know it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Distribution:
    """A distribution, as far as perfctl looks at it."""

    id: str
    domain_name: str
    aliases: tuple[str, ...]
    status: str
    """`Deployed` or `InProgress`."""
    enabled: bool
    in_progress_invalidations: int | None = None
    compresses: bool | None = None
    """Whether the default behaviour compresses."""
    uncompressed_behaviours: tuple[str, ...] = ()
    """The path patterns of the behaviours that do not compress."""
    tag_header: str | None = None
    """The response header from which cache tags are learnt; None: invalidation by tag finds nothing."""
    default_root_object: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Every host name that it answers to."""
        return (self.domain_name, *self.aliases)
