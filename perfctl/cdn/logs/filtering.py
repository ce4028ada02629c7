"""Which requests are counted: a time, hosts, paths, statuses, edge locations."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from perfctl.cdn.delivery.patterns import matches
from perfctl.cdn.logs.arrays import Mask, np
from perfctl.cdn.logs.columns import Block
from perfctl.errors import UsageError

_STATUS = re.compile(r"[1-5]xx|\d{3}")


@dataclass(frozen=True, slots=True)
class Filter:
    """What a request must have to be counted; of several of one kind it must have one."""

    since: datetime | None = None
    until: datetime | None = None
    hosts: tuple[str, ...] = ()
    """The host that the viewer asked for (`x-host-header`), or the distribution's own (`cs(Host)`)."""
    paths: tuple[str, ...] = ()
    """Patterns as in a distribution's behaviours: `*` is any run of characters, `?` exactly one."""
    statuses: tuple[str, ...] = ()
    """`404`, or `5xx`."""
    locations: tuple[str, ...] = ()
    """The beginnings of edge locations: `FRA`, `FRA56-P1`."""
    agents_but: tuple[str, ...] = ()
    """User agents whose requests do not count, to the letter."""

    def __post_init__(self) -> None:
        for status in self.statuses:
            if not _STATUS.fullmatch(status):
                raise UsageError(
                    f"--status: {status!r} is no status", hint="write 404, or 5xx for all of them", where="--status"
                )

    def apply(self, block: Block) -> Block:
        """The requests of a block that are counted."""
        return block.chosen(self._mask(block)) if block.size and self != Filter() else block

    def _mask(self, block: Block) -> Mask:
        mask = np.ones(block.size, dtype=np.bool_)
        if self.since is not None or self.until is not None:
            mask &= self._in_time(block)
        if self.hosts:
            hosts = {host.lower().encode() for host in self.hosts}
            mask &= _where(block, "x-host-header", lambda value: value.lower() in hosts) | _where(
                block, "cs(Host)", lambda value: value.lower() in hosts
            )
        if self.paths:
            mask &= _where(block, "cs-uri-stem", self._has_path)
        if self.statuses:
            mask &= _where(block, "sc-status", self._has_status)
        if self.locations:
            beginnings = tuple(place.upper().encode() for place in self.locations)
            mask &= _where(block, "x-edge-location", lambda value: value.startswith(beginnings))
        if self.agents_but:
            agents = {agent.encode() for agent in self.agents_but}
            mask &= ~_where(block, "cs(User-Agent)", agents.__contains__)
        return mask

    def _in_time(self, block: Block) -> Mask:
        seconds = block.seconds()
        mask: Mask = seconds >= (0 if self.since is None else self.since.timestamp())
        return mask if self.until is None else mask & (seconds < self.until.timestamp())

    def _has_path(self, value: bytes) -> bool:
        path = value.decode("utf-8", "surrogateescape")
        return any(matches(pattern, path) for pattern in self.paths)

    def _has_status(self, value: bytes) -> bool:
        text = value.decode("ascii", "replace")
        return text in self.statuses or (f"{text[:1]}xx" in self.statuses and len(text) == 3)


def _where(block: Block, name: str, holds: Callable[[bytes], bool]) -> Mask:
    """Where a field has a value for which this holds; asked once for each different value."""
    codes, labels = block.codes(name)
    answers: Mask = np.array([holds(label) for label in labels], dtype=np.bool_)[codes]
    return answers
