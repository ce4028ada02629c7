"""The log of calls to servers: what was asked of whom, and how long it took. `perfctl -vv` shows it."""

from __future__ import annotations

import logging
from time import perf_counter

from perfctl.units import format_duration_ms

_LOG = logging.getLogger("perfctl.calls")
_SHOWN_LETTERS = 160


def begun() -> float:
    """The moment before a call; 0 where nobody listens."""
    return perf_counter() if _LOG.isEnabledFor(logging.DEBUG) else 0.0


def ended(server: str, call: str, since: float) -> None:
    """Tell of a call that began at `since`, whether it was answered or failed."""
    if since:
        text = " ".join(call.split())
        short = text if len(text) <= _SHOWN_LETTERS else f"{text[:_SHOWN_LETTERS]}..."
        _LOG.debug("%s: %s (%s)", server, short, format_duration_ms((perf_counter() - since) * 1000))


def asking(server: str) -> None:
    """Tell whom the calls that follow ask; `perfctl -v` shows it."""
    _LOG.info("asking %s", server)
