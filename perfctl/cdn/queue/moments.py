"""Moments of the queue, which are seconds since 1970, as people and documents write them."""

from __future__ import annotations

from datetime import UTC, datetime


def iso(moment: float) -> str:
    """ISO 8601, UTC, to the second."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")


def moment_of(text: str | None) -> float | None:
    """The moment of an ISO 8601 text; None where there is none."""
    return None if text is None else datetime.fromisoformat(text).timestamp()
