"""How much of a campaign runs: a sample with a fixed seed, or all of it with PERFCTL_SOAK=1."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

SOAKS = bool(os.environ.get("PERFCTL_SOAK"))


def campaign(sample: int, whole: int, *, steps: int = 50) -> settings:
    """Hypothesis settings: `sample` examples, the same ones every time; or `whole` ones, new every time."""
    return settings(
        max_examples=whole if SOAKS else sample,
        stateful_step_count=steps,
        derandomize=not SOAKS,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
