"""A trace through policies and sizes: a row for each pair, and the sizes that reach a target."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from perfctl.cache.policies import POLICIES
from perfctl.cache.simulate.model import Simulated, SimulatedRow, TargetSize
from perfctl.cache.simulate.run import Tick, hits_of, hits_of_bytes
from perfctl.cache.simulate.sample import estimated_hits, scaled
from perfctl.cache.simulate.size import Size, parse_size
from perfctl.cache.simulate.target import smallest
from perfctl.cache.simulate.trace import Trace
from perfctl.config.settings import CacheConfig
from perfctl.errors import UsageError

DEFAULT = "default"
"""The policy that is shipped as the default, whatever it is."""
COMPARED = (DEFAULT, "lru", "opt")
"""The policies of a curve where none are named."""


def default_policy() -> str:
    """The name of the policy that a configuration has that names none."""
    return CacheConfig().eviction_policy


def refuse_unknown(policies: Sequence[str]) -> None:
    """UsageError for a name that is no policy's."""
    known = (DEFAULT, *POLICIES)
    for name in policies:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"one of {', '.join(known)}"
            raise UsageError(f"--policy: no policy {name!r}", hint=hint, where="--policy")


def refuse_unsized(trace: Trace, sizes: Sequence[Size]) -> None:
    """UsageError for a size in bytes where the trace does not say how large its values are."""
    for size in sizes:
        if size.unit == "bytes" and trace.sizes is None:
            raise UsageError(
                f"--size: {size.text!r} is in bytes, and the trace has no sizes: {trace.sizes_reason}",
                hint="name entries (5000) or a share of the keys (1%)",
                where="--size",
            )


def simulated(trace: Trace, policies: Sequence[str], sizes: Sequence[Size], *, tick: Tick | None = None) -> Simulated:
    """Every policy at every size, in this order."""
    refuse_unknown(policies)
    refuse_unsized(trace, sizes)
    rows = tuple(_row(trace, policy, size, tick) for policy in policies for size in sizes)
    return Simulated(
        trace.name,
        trace.offered,
        trace.unique_keys,
        default_policy(),
        rows,
        sample_ratio=trace.ratio,
        bad_lines=trace.bad_lines,
        bad_samples=trace.bad_samples,
    )


def targets(
    trace: Trace, policies: Sequence[str], target: float, *, done: Simulated, tick: Tick | None = None
) -> tuple[TargetSize, ...]:
    """The smallest size of each policy that reaches the target; what is `done` already is not done again."""
    in_bytes = any(parse_size(row.size).unit == "bytes" for row in done.rows)
    known = () if trace.ratio != 1 or in_bytes else done.rows
    return tuple(
        smallest(
            trace,
            actual(policy),
            target,
            named=policy,
            rows=[(row.capacity, row.hits) for row in known if row.policy == policy],
            tick=tick,
        )
        for policy in policies
    )


def actual(policy: str) -> str:
    """The row of the table that a name stands for."""
    return default_policy() if policy == DEFAULT else policy


def _row(trace: Trace, policy: str, size: Size, tick: Tick | None) -> SimulatedRow:
    capacity = size.capacity(trace.unique_keys)
    run = hits_of_bytes if size.unit == "bytes" else hits_of
    hits = run(trace, actual(policy), scaled(capacity, trace.ratio), tick=tick)
    whole = estimated_hits(hits, sampled=len(trace.keys), requests=trace.offered, ratio=trace.ratio)
    return SimulatedRow(policy, size.text, capacity, trace.offered, whole, whole / trace.offered)
