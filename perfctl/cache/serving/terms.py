"""What a caller of a missing value asked for, over what is configured."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from perfctl.cache.entry import Entry
from perfctl.cache.serving.call import Call
from perfctl.cache.serving.tiers import Tiers
from perfctl.errors import TimedOutError

if TYPE_CHECKING:
    from perfctl.cache.coherence.marks import NamespaceState


class Terms:
    """The terms of calls to one cache."""

    def __init__(self, tiers: Tiers) -> None:
        self._tiers = tiers

    def soft_seconds(self, call: Call) -> float | None:
        """How long it waits where a stale value is there; None: until the factory is done."""
        seconds = self._tiers.config.soft_timeout_seconds if call.soft_timeout is None else call.soft_timeout
        return seconds or None

    def hard_seconds(self, call: Call) -> float | None:
        """How long it waits at most."""
        seconds = self._tiers.config.hard_timeout_seconds if call.hard_timeout is None else call.hard_timeout
        return seconds or None

    def is_safe(self, state: NamespaceState, call: Call) -> bool:
        """Whether a stale value may stand in."""
        return bool(state.settings.fail_safe_seconds) if call.fail_safe is None else call.fail_safe

    def is_due(self, state: NamespaceState, entry: Entry, call: Call) -> bool:
        """Whether a value within its TTL is to be refreshed by this read."""
        eager = state.settings.eager_refresh_ratio if call.eager is None else call.eager
        return self._tiers.is_due(entry, eager or 0.0)

    def waits(self, call: Call) -> list[float | None]:
        """For how long a caller waits, after each of which a stale value will do."""
        soft, hard = self.soft_seconds(call), self.hard_seconds(call)
        if soft is None or (hard is not None and hard <= soft):
            return [hard]
        return [soft, None if hard is None else hard - soft]

    def timed_out(self, state: NamespaceState, name: bytes, call: Call) -> TimedOutError:
        """What a caller gets that waited long enough."""
        _, key = self._tiers.layout.split(name) or ("", name.decode("utf-8", "backslashreplace"))
        seconds = self.hard_seconds(call) or 0.0
        return TimedOutError(
            f"the value of {key!r} in namespace {state.name!r} was not computed within {seconds:g} s",
            hint="it is kept when it is done; hard_timeout waits longer",
        )

    def has_negative(self, state: NamespaceState, call: Call) -> bool:
        """Whether a None is kept for a time of its own."""
        return (state.settings.negative_ttl_seconds if call.negative_ttl is None else call.negative_ttl) is not None

    def jittered(self, milliseconds: int | None) -> int | None:
        """Shortened at random, so that what was computed together is not missing together."""
        share = self._tiers.config.ttl_jitter
        if milliseconds is None or not share:
            return milliseconds
        return max(1, round(milliseconds * (1 - share * random.random())))  # noqa: S311 - no secret
