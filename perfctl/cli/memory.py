"""Memory of a process that answers one question about much data."""

from __future__ import annotations

import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Of mallopt(3)."""
_KEPT_BYTES = 64 << 20
_LARGEST_BYTES = 32 << 20
"""The most that glibc takes for the second."""


def keep_freed_memory() -> None:
    """Let the allocator keep what is freed, up to 64 MB: arrays of some megabytes that come and go by the thousand
    are then not asked of the kernel, and zeroed by it, each time. Nothing where the allocator is not glibc's.
    """
    if not sys.platform.startswith("linux"):
        return
    import ctypes

    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    mallopt(_MMAP_THRESHOLD, _LARGEST_BYTES)
    mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)
