"""What a cache does when it hears that something changed on the server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perfctl.cache.serving.stampede import Stampede
    from perfctl.cache.serving.tiers import Tiers


class Hearing:
    """The listener of a backplane: called on the portal's thread, never waits, never raises."""

    def __init__(self, tiers: Tiers, stampede: Stampede) -> None:
        self._tiers = tiers
        self._stampede = stampede

    def changed(self, names: Sequence[bytes]) -> None:
        """Values, marks and locks alike: what is known of each is asked for again."""
        tiers = self._tiers
        for name in names:
            tiers.fetching.pop(name, None)
            if name in tiers.local:
                tiers.local.demote(name)
            elif tiers.marks.forget(name):
                tiers.local.clean()
            else:
                self._stampede.woken(name)

    def everything_changed(self) -> None:
        """Nothing is served without asking."""
        self._tiers.fetching.clear()
        self._tiers.marks.everything_changed()

    def verified(self, is_verified: bool) -> None:
        """Whether copies in the process may be trusted until something is heard."""
        self._tiers.is_verified = is_verified
        self._tiers.marks.watch(is_verified)

    def woken(self, lock: bytes) -> None:
        """Somebody is done computing."""
        self._stampede.woken(lock)
