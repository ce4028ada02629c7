"""Processes of a sandbox that no state remembers: what a killed perfctl or a killed server left behind."""

from __future__ import annotations

import signal
from collections.abc import Collection

from perfctl.sandbox.process import Process, end, marked, parent_of


def reap(mark: str, *, keep: Collection[Process]) -> int:
    """Kill every process with the mark that is neither kept nor the child of one; how many there were."""
    kept = {process.pid for process in keep}
    orphans = [process for process in marked(mark) if process.pid not in kept and parent_of(process.pid) not in kept]
    end(dict.fromkeys(orphans, signal.SIGKILL), grace_seconds=5.0)
    return len(orphans)
