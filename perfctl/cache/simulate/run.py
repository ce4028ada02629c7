"""One policy at one size over a trace, piece by piece, so that a run can tell how far it is and stop early."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator, Sequence

from perfctl.cache.policies import CLAIRVOYANT, Policy, policy_named
from perfctl.cache.simulate.trace import Trace

PIECE = 1 << 16
"""Requests between two looks at the progress."""
_SEED = 1
"""Policies that draw samples draw the same in every run."""

Tick = Callable[[int], None]
"""Told how many requests were replayed since it was last told."""


class Replay:
    """A cache of `capacity` entries that holds keys alone: a key that is missing comes in."""

    def __init__(self, policy: Policy, capacity: int) -> None:
        self.hits = 0
        self.requests = 0
        self._policy = policy
        self._capacity = capacity
        self._there: set[Hashable] = set()

    def feed(self, keys: Sequence[int]) -> None:
        """Ask for each key in turn."""
        there, capacity, never, hits = self._there, self._capacity, math.inf, 0
        add, hit, evict = self._policy.add, self._policy.hit, self._policy.evict
        for key in keys:
            if key in there:
                hits += 1
                hit(key)
            else:
                there.add(key)
                add(key, 1, never)
                if len(there) > capacity:
                    there.remove(evict())
        self.hits += hits
        self.requests += len(keys)


class ByteReplay:
    """The same, of `capacity` bytes. A value that is larger than all of it goes as it comes: the clairvoyant policy
    counts the requests."""

    def __init__(self, policy: Policy, capacity: int) -> None:
        self.hits = 0
        self._policy = policy
        self._capacity = capacity
        self._there: dict[Hashable, int] = {}
        self._used = 0

    def feed(self, keys: Sequence[int], sizes: Sequence[int]) -> None:
        """Ask for each key in turn; a newcomer takes the size of its request."""
        there, policy, never = self._there, self._policy, math.inf
        for key, size in zip(keys, sizes, strict=True):
            if key in there:
                self.hits += 1
                policy.hit(key)
                continue
            policy.add(key, size, never)
            if size > self._capacity:
                policy.remove(key)
            else:
                there[key] = size
                self._used += size
                while self._used > self._capacity:
                    self._used -= there.pop(policy.evict())


def hits_of(trace: Trace, policy: str, capacity: int, *, tick: Tick | None = None) -> int:
    """The hits of a policy by name over the whole trace, at `capacity` entries."""
    replay = Replay(made(policy, trace), capacity)
    for start in _starts(trace, tick):
        replay.feed(trace.keys[start : start + PIECE])
    return replay.hits


def hits_of_bytes(trace: Trace, policy: str, capacity: int, *, tick: Tick | None = None) -> int:
    """The same at `capacity` bytes, of a trace that has sizes."""
    replay = ByteReplay(made(policy, trace), capacity)
    sizes = trace.sizes or ()
    for start in _starts(trace, tick):
        replay.feed(trace.keys[start : start + PIECE], sizes[start : start + PIECE])
    return replay.hits


def reaches(trace: Trace, policy: str, capacity: int, needed: int, *, tick: Tick | None = None) -> bool:
    """Whether a policy hits `needed` times or more; no longer run than it takes to know."""
    replay = Replay(made(policy, trace), capacity)
    may_miss = len(trace.keys) - needed
    for start in _starts(trace, tick):
        replay.feed(trace.keys[start : start + PIECE])
        if replay.hits >= needed or replay.requests - replay.hits > may_miss:
            break
    return replay.hits >= needed


def made(policy: str, trace: Trace) -> Policy:
    """A new policy by name; the clairvoyant one knows the trace."""
    return policy_named(policy, seed=_SEED, future=trace.keys if policy in CLAIRVOYANT else ())


def _starts(trace: Trace, tick: Tick | None) -> Iterator[int]:
    for start in range(0, len(trace.keys), PIECE):
        yield start
        if tick:
            tick(min(PIECE, len(trace.keys) - start))
