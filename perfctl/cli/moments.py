"""Moments as people write them: so long ago, a day, or a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from perfctl.errors import UsageError
from perfctl.units import parse_duration


def moment(text: str | None, where: str) -> datetime | None:
    """`24h`: so long ago; `2026-01-31` or `2026-01-31T08:00`: then, in UTC where no zone is said. UsageError else."""
    if text is None:
        return None
    try:
        said = datetime.fromisoformat(text)
    except ValueError:
        pass
    else:
        return said if said.tzinfo else said.replace(tzinfo=UTC)
    try:
        return datetime.now(UTC) - timedelta(seconds=parse_duration(text, where=where))
    except (UsageError, OverflowError) as error:
        raise UsageError(
            f"{where}: {text!r} is neither a duration nor a time",
            hint="write 24h (ago), 2026-01-31 or 2026-01-31T08:00",
            where=where,
        ) from error
