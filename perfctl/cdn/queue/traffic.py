"""What is in progress at a distribution: which of our batches have completed, and how much others have sent."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from perfctl.cdn.cloudfront import ControlPlane
from perfctl.cdn.model.invalidations import Invalidation
from perfctl.cdn.queue.batches import Flying
from perfctl.cdn.queue.limits import Load
from perfctl.errors import AuthError, UsageError

_LISTED = 100
_AT_ONCE = 4


class Seen(NamedTuple):
    """What a look has shown."""

    done: list[int]
    """Our batches that have completed."""
    is_less: bool
    """Whether something of others' has completed."""


class Traffic:
    """What one distribution has in progress, as of the last look."""

    def __init__(self, distribution: str, control: ControlPlane) -> None:
        self._distribution = distribution
        self._control = control
        self._others: dict[str, Load] = {}
        """What others have in progress, by invalidation."""

    @property
    def has_others(self) -> bool:
        """Whether anybody else has something in progress."""
        return bool(self._others)

    @property
    def of_others(self) -> Load:
        """How much that is."""
        loads = self._others.values()
        return Load(sum(load.paths for load in loads), sum(load.wildcards for load in loads))

    async def look(self, flying: Sequence[Flying]) -> Seen:
        """See how far our batches are, and count the others'."""
        listed = {row.invalidation_id: row.status for row in await self._recent()}
        ours = {row.cf_id: row.id for row in flying}
        unlisted = await self._found(identifier for identifier in ours if identifier not in listed)
        states = {**listed, **{identifier: found.status for identifier, found in unlisted.items()}}
        done = [batch for identifier, batch in ours.items() if states.get(identifier, "Completed") == "Completed"]
        running = {identifier for identifier, state in listed.items() if state == "InProgress"}
        return Seen(done, await self._count_others(running - set(ours)))

    async def _recent(self) -> tuple[Invalidation, ...]:
        """The newest invalidations; none where we may not list them: then each of ours is asked for."""
        try:
            return await self._control.recent_invalidations(self._distribution, at_most=_LISTED)
        except AuthError as error:
            if "AccessDenied" not in error.message:
                raise
            return ()

    async def _count_others(self, running: set[str]) -> bool:
        """How much others have in progress; what a batch holds is asked for once. Whether one of them completed."""
        before = self._others
        known = {identifier: load for identifier, load in before.items() if identifier in running}
        for identifier, found in (await self._found(sorted(running - set(known)))).items():
            wildcards = found.wildcards or 0
            known[identifier] = Load((found.items or 0) - wildcards, wildcards)
        self._others = known
        return bool(set(before) - running)

    async def _found(self, identifiers: Iterable[str]) -> dict[str, Invalidation]:
        """Invalidations by ID, a few calls at a time; without those that the service does not know (any more)."""
        gate = asyncio.Semaphore(_AT_ONCE)

        async def one(identifier: str) -> Invalidation | None:
            async with gate:
                try:
                    return await self._control.invalidation(self._distribution, identifier)
                except UsageError as error:
                    if "NoSuchInvalidation" not in error.message:
                        raise
                    return None

        found = await asyncio.gather(*(one(identifier) for identifier in identifiers))
        return {row.invalidation_id: row for row in found if row is not None}
