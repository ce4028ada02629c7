"""The queue that a configuration means: which file, which limits."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from urllib.parse import quote

from perfctl.cdn.clock import Time
from perfctl.cdn.cloudfront import ControlPlane
from perfctl.cdn.queue.limits import QueueLimits
from perfctl.cdn.queue.queue import InvalidationQueue
from perfctl.config import CDNConfig
from perfctl.folders import state_home

_PLAIN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}")
_LEAST_LEASE_SECONDS = 120.0
_CALLS_A_LEASE = 8
"""A call may be made three times, with pauses, before it counts as one that was not answered."""


def queue_of(
    config: CDNConfig, control: Callable[[], Awaitable[ControlPlane]], *, context: str, clock: Time | None = None
) -> InvalidationQueue:
    """The context's queue on this host."""
    path = Path(config.queue_file).expanduser() if config.queue_file else queue_file(context)
    return InvalidationQueue(path, control, clock or Time(now=time.time), limits_of(config))


def queue_file(context: str, environ: Mapping[str, str] = os.environ) -> Path:
    """Where a context's queue lies where no other file is configured, whether it is there or not."""
    name = context if _PLAIN.fullmatch(context) else quote(context, safe="")[:200]
    return state_home(environ) / "invalidations" / f"{name}.sqlite"


def limits_of(config: CDNConfig) -> QueueLimits:
    """The queue's part of CloudFront's quotas."""
    return QueueLimits(
        window_seconds=config.queue_window_seconds,
        max_paths=config.max_paths,
        max_wildcards=config.max_wildcards,
        headroom_paths=config.queue_headroom_paths,
        headroom_wildcards=config.queue_headroom_wildcards,
        lease_seconds=max(_LEAST_LEASE_SECONDS, _CALLS_A_LEASE * config.timeout_seconds),
    )
